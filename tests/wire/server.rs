//! A server on a socket that misbehaves on purpose and counts what reaches it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Reads the request and never answers.
    Hang,
    /// Resets the connection without reading.
    ResetBeforeReading,
    /// Reads the request and resets the connection.
    ResetAfterReading,
    /// Reads the request and closes the connection in good order.
    CloseAfterReading,
    /// Promises a longer body than it sends, then closes.
    HalfBody,
    /// Sends the head of an answer and a part of the body, then nothing.
    StallInBody,
    /// Sends bytes that are not HTTP.
    NotHttp,
    /// Answers with this status and body.
    Answer(u16, String),
}

/// An error answer as the service makes it.
pub fn refusal(status: u16, code: &str, text: &str) -> Behaviour {
    Behaviour::Answer(status, format!(r#"{{"__type":"{code}","Message":"{text}"}}"#))
}

/// The running server: its address and how much reached it.
pub struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Treats the n-th request as the n-th behaviour says, and all further ones as the last.
    pub async fn start(script: Vec<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, script.clone(), requests.clone()));
            }
        });
        server
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many requests arrived; one that is reset unread counts.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// An address where nobody listens.
pub async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// An address whose queue of connections is full, so that connecting hangs; and what keeps it so.
pub async fn full_queue() -> (String, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    let patience = std::time::Duration::from_millis(200);
    while let Ok(Ok(stream)) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        queued.push(stream);
        assert!(
            queued.len() < 64,
            "the queue of connections does not fill up on this system"
        );
    }
    (format!("http://{address}"), listener, queued)
}

async fn serve(mut stream: TcpStream, script: Vec<Behaviour>, requests: Arc<AtomicUsize>) {
    loop {
        // Decided before the request is read: this reset must come without reading.
        let upcoming = &script[requests.load(Ordering::SeqCst).min(script.len() - 1)];
        if matches!(upcoming, Behaviour::ResetBeforeReading) {
            requests.fetch_add(1, Ordering::SeqCst);
            stream.set_zero_linger().unwrap();
            return;
        }
        if read_request(&mut stream).await.is_none() {
            return;
        }
        let number = requests.fetch_add(1, Ordering::SeqCst);
        match &script[number.min(script.len() - 1)] {
            Behaviour::Answer(status, body) => write(&mut stream, &answer(*status, body.len(), body)).await,
            Behaviour::HalfBody => return write(&mut stream, &answer(200, 200, r#"{"OperationId": "#)).await,
            Behaviour::NotHttp => return write(&mut stream, "\u{1}\u{2} this is not HTTP\r\n\r\n").await,
            Behaviour::StallInBody => {
                write(&mut stream, &answer(200, 200, r#"{"OperationId": "#)).await;
                return std::future::pending().await;
            }
            Behaviour::Hang => return std::future::pending().await,
            Behaviour::CloseAfterReading => return,
            Behaviour::ResetAfterReading | Behaviour::ResetBeforeReading => {
                return stream.set_zero_linger().unwrap();
            }
        }
    }
}

fn answer(status: u16, length: usize, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

async fn write(stream: &mut TcpStream, text: &str) {
    // A client that has given up closes its end; that is no failure of the test.
    let _ = stream.write_all(text.as_bytes()).await;
}

/// Reads one whole request; `None` when the client closes first.
async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut received = Vec::new();
    let head = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, &mut received).await?;
    };
    let length = content_length(&String::from_utf8_lossy(&received[..head]));
    while received.len() < head + length {
        read_more(stream, &mut received).await?;
    }
    Some(())
}

async fn read_more(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk).await {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            received.extend_from_slice(&chunk[..count]);
            Some(())
        }
    }
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap())
}
