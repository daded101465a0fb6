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
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or_default();
    Answer { status, headers, body, text }
}
