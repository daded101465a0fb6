//! HTTP requests through an ordinary library.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// For how long a connection is kept for the next request. The server ends one on which nothing was asked for ten
/// seconds, and a request that is on its way at that moment has no answer.
const KEPT: Duration = Duration::from_secs(3);

/// An answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` if it is empty or not JSON.
    pub body: Value,
    /// The body as it was sent.
    pub text: String,
}

impl Answer {
    /// The body of a successful answer.
    ///
    /// # Panics
    /// If it was refused.
    #[track_caller]
    pub fn granted(self) -> Value {
        assert!((200..300).contains(&self.status), "refused with {}: {}", self.status, self.text);
        self.body
    }

    /// The problem object of a refusal with this status and code.
    ///
    /// # Panics
    /// If it was not refused so.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        self.body
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A client for requests to one server.
#[derive(Clone, Debug)]
pub struct Rest {
    client: reqwest::Client,
    address: SocketAddr,
}

impl Rest {
    /// A client for this server.
    ///
    /// # Panics
    /// If the library cannot make one.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self { client: Self::client(), address }
    }

    /// The library's client, as every test uses it.
    pub(crate) fn client() -> reqwest::Client {
        reqwest::Client::builder().pool_idle_timeout(KEPT).build().expect("an HTTP client")
    }

    /// Makes a request. `path` may have a query; a body of `null` means none.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.ask_with(method, path, token, body, &[]).await
    }

    /// Makes a request with further headers.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.expect("an answer")).await
    }

    /// Uploads a file of this name.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn upload(&self, token: &str, name: &str, bytes: impl Into<reqwest::Body>) -> Answer {
        let mut url = reqwest::Url::parse(&format!("http://{}/v1/files", self.address)).expect("a URL");
        url.query_pairs_mut().append_pair("name", name);
        let request = self.client.post(url).bearer_auth(token).body(bytes);
        read(request.send().await.expect("an answer")).await
    }

    /// Reads the bytes of an answer that is no text.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn bytes(&self, path: &str, token: &str, headers: &[(&str, &str)]) -> (Answer, Vec<u8>) {
        let mut request = self.client.get(format!("http://{}{path}", self.address)).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body").to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }, bytes)
    }

    /// Makes a request whose body is bytes.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn sends_bytes(
        &self,
        asked: (&str, &str),
        token: &str,
        headers: &[(&str, &str)],
        bytes: impl Into<reqwest::Body>,
    ) -> Answer {
        self.tries_bytes(asked, token, headers, bytes).await.expect("an answer")
    }

    /// The same, where the server may die meanwhile: then no answer comes.
    ///
    /// # Panics
    /// If the method is none.
    pub async fn tries_bytes(
        &self,
        (method, path): (&str, &str),
        token: &str,
        headers: &[(&str, &str)],
        bytes: impl Into<reqwest::Body>,
    ) -> Option<Answer> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read_if_it_comes(request.body(bytes).send().await.ok()?).await
    }

    /// Makes a request whose body is not JSON, or is malformed.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn ask_raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.expect("an answer")).await
    }
}

async fn read(response: reqwest::Response) -> Answer {
    read_if_it_comes(response).await.expect("a body")
}

async fn read_if_it_comes(response: reqwest::Response) -> Option<Answer> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.ok()?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    Some(Answer { status, headers, body, text })
}
