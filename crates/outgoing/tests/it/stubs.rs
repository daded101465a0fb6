//! A resolver and a server that say what a test has told them.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use outgoing::{Allowed, Outgoing, OutgoingConfig, Resolver, Resolving};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Says for each name one list of addresses after the other, and the last one for ever.
#[derive(Default)]
pub struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let parse = |text: &&str| text.parse().expect("an address");
        let answers = answers.iter().map(|all| all.iter().map(parse).collect()).collect();
        self.answers.lock().expect("no test panics with it").insert(name.to_owned(), answers);
        self
    }

    /// The names that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with it").clone()
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        self.asked.lock().expect("no test panics with it").push(host.to_owned());
        let mut answers = self.answers.lock().expect("no test panics with it");
        let said = answers
            .get_mut(host)
            .and_then(|all| if all.len() > 1 { Some(all.remove(0)) } else { all.first().cloned() });
        Box::pin(async move { said.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)) })
    }
}

/// A client that resolves by these names.
pub fn client(names: &Arc<Names>, allowed: &[String]) -> Outgoing {
    let allowed = allowed.iter().map(|text| text.parse::<Allowed>().expect("an entry")).collect();
    Outgoing::new(OutgoingConfig { resolver: names.clone(), ..OutgoingConfig::new("palabre-test", allowed) })
}

/// A server that writes the same bytes to whoever asks, and remembers what it was asked.
pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn at(host: &str, answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((host, 0)).await.expect("a free port");
        Self::on(listener, answer.into())
    }

    /// At the port of another one.
    pub async fn beside(other: &Self, host: &str, answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((host, other.address.port())).await.expect("the same port");
        Self::on(listener, answer.into())
    }

    fn on(listener: TcpListener, answer: Vec<u8>) -> Self {
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), heard.clone()));
            }
        });
        Self { address, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no test panics with it").clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Vec<u8>>, heard: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    heard.lock().expect("no test panics with it").push(String::from_utf8_lossy(&request).into_owned());
    // A client that has heard enough goes.
    let _gone = stream.write_all(&answer).await;
    let _gone = stream.shutdown().await;
    while matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {}
}

/// An answer in HTTP.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}
