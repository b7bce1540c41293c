//! How an example ends: at a signal, leaving neither a process nor a file behind.

use std::io;
use std::path::Path;
use std::process::exit;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::testbed::scratch;

/// Ends this process with `status`, and with it every child, at the first Ctrl-C, hang-up or request to end.
pub(crate) fn leave_on_signal(status: i32) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut end, mut hang_up) = {
        let _context = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        )
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = end.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        println!("\nEnding everything.");
        sweep();
        exit(status);
    });
    Ok(())
}

/// Removes what this run wrote. What cannot be removed is removed by the next run.
pub(crate) fn sweep() {
    if let Some(dir) = scratch("swept").ok().as_deref().and_then(Path::parent) {
        let _ = std::fs::remove_dir_all(dir);
    }
}
