//! Parses the command line, installs the crypto provider, starts telemetry and runs; nothing else.

use std::process::ExitCode;

use clap::Parser;
use sluicegate::api::crd::crd;
use sluicegate::cli::{Cli, Command, ImportArgs, PlanArgs, RunArgs, TransitionsArgs};
use sluicegate::clock::{Clock, SystemClock};
use sluicegate::{controller, preview, telemetry, transitions};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What `plan` ends with when something would change.
const CHANGES: u8 = 2;

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Crd => print!("{}", serde_saphyr::to_string(&crd())?),
        Command::Import(args) => import(&args)?,
        Command::Plan(args) => return plan(&args),
        Command::Transitions(args) => print_transitions(&args)?,
        Command::Run(args) => run(*args)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn import(args: &ImportArgs) -> anyhow::Result<()> {
    install_crypto_provider()?;
    print!("{}", Box::pin(preview::import(args)).await?);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn plan(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    install_crypto_provider()?;
    let answer = Box::pin(preview::plan(args)).await?;
    print!("{}", answer.text);
    Ok(ExitCode::from(if answer.changes { CHANGES } else { 0 }))
}

#[tokio::main(flavor = "current_thread")]
async fn print_transitions(args: &TransitionsArgs) -> anyhow::Result<()> {
    install_crypto_provider()?;
    print!("{}", Box::pin(transitions::table(args, SystemClock.now())).await?);
    Ok(())
}

#[tokio::main]
async fn run(args: RunArgs) -> anyhow::Result<()> {
    install_crypto_provider()?;
    telemetry::init(args.log_format, &args.log_level)?;
    let shutdown = CancellationToken::new();
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    Ok(Box::pin(controller::run(args, shutdown)).await?)
}

fn install_crypto_provider() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another crypto provider is installed"))
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
