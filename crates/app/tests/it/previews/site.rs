//! A site that says what a test has told it, and remembers what it was asked.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

type Pages = Arc<Mutex<HashMap<String, Vec<u8>>>>;

pub struct Site {
    address: SocketAddr,
    pages: Pages,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub async fn opens() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (pages, requests) = (Pages::default(), Arc::<Mutex<Vec<String>>>::default());
        let (known, heard) = (pages.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, known.clone(), heard.clone()));
            }
        });
        Self { address, pages, requests }
    }

    /// Answers so to whoever asks for this path, whatever the query.
    pub fn has(&self, path: &str, answer: Vec<u8>) {
        self.pages.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, pages: Pages, heard: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let target = request.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default().to_owned();
    heard.lock().unwrap().push(request);
    let missing = || answer("404 Not Found", "Content-Type: text/html\r\n", b"<title>none</title>");
    let said = pages.lock().unwrap().get(&path).cloned().unwrap_or_else(missing);
    // A client that has heard enough goes.
    let _gone = stream.write_all(&said).await;
    let _gone = stream.shutdown().await;
}

pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A page with this in its head.
pub fn html(head: &str) -> Vec<u8> {
    let text = format!("<!doctype html><html><head>{head}</head><body><p>hello</p></body></html>");
    answer("200 OK", "Content-Type: text/html; charset=utf-8\r\n", text.as_bytes())
}

/// A page with this title.
pub fn page(title: &str) -> Vec<u8> {
    html(&format!("<title>{title}</title>"))
}

/// A picture that says that it is so large.
pub fn image(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 1, 2, 3, 4]);
    bytes.extend(b"\0\0\0\0IEND\xaeB`\x82");
    answer("200 OK", "Content-Type: image/png\r\n", &bytes)
}
