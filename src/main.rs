//! Parses the command line, installs the crypto provider, starts telemetry and runs; nothing else.

use clap::Parser;
use sluicegate::api::crd::crd;
use sluicegate::cli::{Cli, Command, RunArgs};
use sluicegate::{controller, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Crd => {
            print!("{}", serde_yaml::to_string(&crd())?);
            Ok(())
        }
        Command::Run(args) => run(*args),
    }
}

#[tokio::main]
async fn run(args: RunArgs) -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another crypto provider is installed"))?;
    telemetry::init(args.log_format, &args.log_level)?;
    let shutdown = CancellationToken::new();
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    Ok(Box::pin(controller::run(args, shutdown)).await?)
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.cancel();
}
