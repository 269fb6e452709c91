//! A registry that says what it is told to say.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
struct State {
    /// By path: the status and the body.
    answers: HashMap<String, (u16, String)>,
    requests: Vec<String>,
    authorization: Option<String>,
}

/// A server on this machine, which ends with the test.
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// One that knows nothing.
    pub async fn start() -> Server {
        let state: Arc<Mutex<State>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                answer(connection, &shared).await;
            }
        });
        Server { address, state }
    }

    /// From now on, it answers requests for `path` so.
    pub fn says(&self, path: &str, status: u16, body: &str) {
        lock(&self.state).answers.insert(path.to_owned(), (status, body.to_owned()));
    }

    /// Its URL, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that were asked for, in order.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state).requests.clone()
    }

    /// What the last request said of who asks.
    pub fn authorization(&self) -> Option<String> {
        lock(&self.state).authorization.clone()
    }
}

/// Answers one request, and closes the connection.
async fn answer(mut connection: TcpStream, state: &Mutex<State>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8(request).expect("ASCII");
    let path = request.split(' ').nth(1).expect("a path").to_owned();
    let header = request.lines().find_map(|line| line.strip_prefix("authorization: "));
    let (status, body) = {
        let mut state = lock(state);
        state.authorization = header.map(str::to_owned);
        state.requests.push(path.clone());
        state.answers.get(&path).cloned().unwrap_or((404, String::new()))
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status} .\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // One who does not wait for the answer has not been told, and that is all.
    let _ = connection.write_all(answer.as_bytes()).await;
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no test has panicked here")
}
