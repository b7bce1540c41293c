//! A way to the emulator that counts who takes it, and that can catch a call on it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::testbed::Emulator;

/// Where a call is caught.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caught {
    /// On the way to the service, which never sees it.
    Request,
    /// On the way back: it took effect, and the caller never hears of it.
    Reply,
}

struct Trap {
    operation: String,
    place: Caught,
    told: Sender<()>,
}

/// The gate; it stands until the test process ends.
pub(crate) struct Gate {
    /// The address to give to a controller as the service's.
    pub(crate) url: String,
    passed: Arc<AtomicUsize>,
    trap: Arc<Mutex<Option<Trap>>>,
}

impl Gate {
    /// Opens a gate before the emulator.
    pub(crate) fn before(emulator: &Emulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            passed: Arc::default(),
            trap: Arc::default(),
        };
        let target = emulator.url.trim_start_matches("http://").to_owned();
        let (passed, trap) = (Arc::clone(&gate.passed), Arc::clone(&gate.trap));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                passed.fetch_add(1, Ordering::SeqCst);
                if let Ok(server) = TcpStream::connect(&target) {
                    carry(client, server, &trap);
                }
            }
        });
        gate
    }

    /// How many connections have come through.
    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// Catches the next call of this operation; a message comes when it is caught.
    pub(crate) fn catch(&self, operation: &str, place: Caught) -> Receiver<()> {
        let (told, tidings) = channel();
        let operation = format!("KinesisAnalytics_20180523.{operation}\r\n");
        *self.trap.lock().unwrap() = Some(Trap { operation, place, told });
        tidings
    }
}

/// Carries the bytes of one connection both ways until either end closes it.
fn carry(client: TcpStream, server: TcpStream, trap: &Arc<Mutex<Option<Trap>>>) {
    let caught: Arc<Mutex<Option<Sender<()>>>> = Arc::default();
    let silenced = Arc::new(AtomicBool::new(false));
    let (there, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let trap = Arc::clone(trap);
    let (reply_caught, reply_silenced) = (Arc::clone(&caught), Arc::clone(&silenced));
    thread::spawn(move || {
        each_part(there, back, |part| {
            let mut armed = trap.lock().unwrap();
            let text = String::from_utf8_lossy(part);
            let Some(sprung) = armed.take_if(|trap| text.contains(&trap.operation)) else {
                return !silenced.load(Ordering::SeqCst) || caught.lock().unwrap().is_some();
            };
            silenced.store(true, Ordering::SeqCst);
            if sprung.place == Caught::Reply {
                *caught.lock().unwrap() = Some(sprung.told);
                return true;
            }
            let _ = sprung.told.send(());
            false
        });
    });
    thread::spawn(move || {
        each_part(server, client, |_| {
            if let Some(told) = reply_caught.lock().unwrap().take() {
                let _ = told.send(());
            }
            !reply_silenced.load(Ordering::SeqCst)
        });
    });
}

/// Passes on what comes as long as the other end takes it, without the parts that are not let through.
fn each_part(mut from: TcpStream, mut to: TcpStream, mut is_let_through: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if is_let_through(&buffer[..length]) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
