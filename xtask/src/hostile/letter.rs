//! What is not HTTP or not WebSocket is answered as it must be; the cases in full are tests of the program.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::{Verdict, others::HANDSHAKE};

/// How long the server may take to answer and to close.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for each, and judges the answer's beginning and its end.
pub fn check(server: SocketAddr, verdict: &mut Verdict) {
    let health = |fields: &str| format!("GET /health HTTP/1.1\r\n{fields}\r\n").into_bytes();
    for (what, request, status) in [
        ("no host", health(""), "400"),
        ("two hosts", health("Host: a\r\nHost: b\r\n"), "400"),
        ("bare LF", b"GET /health HTTP/1.1\nHost: a\n\n".to_vec(), "400"),
        ("chunked twice", health("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n"), "400"),
        ("a length beside chunks", health("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "400"),
        ("an upgrade over HTTP/1.0", HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0").into(), "400"),
        ("another version", HANDSHAKE.replace("Version: 13", "Version: 8").into(), "426"),
    ] {
        let said = ask(server, &request);
        // "HTTP/1.0" or "HTTP/1.1", as it was asked.
        let answered = said.get(9..12) == Some(status.as_bytes());
        verdict.judge(answered, format!("{what} is answered {status}: {}", String::from_utf8_lossy(&said)));
    }
    for (what, frame, code) in [
        ("a text that is none", &[0x81, 0x81, 0, 0, 0, 0, 0xff][..], 1007_u16),
        ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0], 1002),
        ("a close frame of one byte", &[0x88, 0x81, 0, 0, 0, 0, 3], 1002),
        ("a close frame with a bad code", &[0x88, 0x82, 0, 0, 0, 0, 3, 0xed], 1002),
        ("a frame without a mask", &[0x81, 0x01, b'a'], 1002),
        ("a good close frame", &[0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa0], 4000),
    ] {
        let said = ask(server, &[HANDSHAKE.as_bytes(), frame].concat());
        let head = said.windows(4).position(|four| four == b"\r\n\r\n").map_or(said.len(), |at| at + 4);
        let close_reason = said.get(head..).unwrap_or_default();
        let closed = close_reason.first() == Some(&0x88) && close_reason.get(2..4) == Some(&code.to_be_bytes());
        verdict.judge(closed, format!("{what} is answered with {code}: {}", String::from_utf8_lossy(close_reason)));
    }
}

/// All that the server says until it closes.
fn ask(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    if let Ok(mut stream) = TcpStream::connect_timeout(&server, PATIENCE) {
        let _told_by_what_was_said = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.write_all(request))
            .and_then(|()| stream.read_to_end(&mut said));
    }
    said
}
