//! In which ways a stranger keeps a server waiting.

use super::others::HANDSHAKE;

/// One way.
pub struct Way {
    pub name: &'static str,
    /// What is written first.
    pub begins: Vec<u8>,
    /// What is written once a second from then on.
    pub goes_on: Vec<u8>,
}

/// All ways.
pub fn all() -> Vec<Way> {
    let way = |name, begins: &[u8], goes_on: &[u8]| Way { name, begins: begins.to_vec(), goes_on: goes_on.to_vec() };
    let socket = |frames: &[u8]| [HANDSHAKE.as_bytes(), frames].concat();
    let body = |length: &str, rest: &str| {
        format!("POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{length}\r\n\r\n{rest}")
    };
    let form = body("Content-Length: 60000", "--B\r\ncontent-disposition: form-data; name=\"username\"\r\n\r\n")
        .replace("application/json", "multipart/form-data; boundary=B");
    let fragment = [0x01, 0x81, 0, 0, 0, 0, b'{'];
    let next_fragment = [0x00, 0x80, 0, 0, 0, 0];
    vec![
        way("nothing is sent", b"", b""),
        way("half a head", b"GET /health HTTP/1.1\r\nHos", b""),
        way("a head, byte by byte", b"GET /health HTTP/1.1\r\nX: ", b"x"),
        way("half a body", body("Content-Length: 60000", "{").as_bytes(), b""),
        way("a body, byte by byte", body("Content-Length: 60000", "{").as_bytes(), b" "),
        way("chunks, byte by byte", body("Transfer-Encoding: chunked", "").as_bytes(), b"1\r\n \r\n"),
        way("a form, byte by byte", form.as_bytes(), b"x"),
        way("answers that nobody reads", "GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20).as_bytes(), b""),
        way("one request, and nothing more", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b""),
        way("a handshake and nothing", &socket(b""), b""),
        way("half a frame", &socket(&[0x81, 0x80 | 50, 0, 0, 0, 0, b'{']), b""),
        way("fragments without end", &socket(&fragment), &next_fragment),
        way("pings without end", &socket(b""), &[0x89, 0x80, 0, 0, 0, 0]),
        way("a close frame that is not answered", &socket(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed]), b""),
        way("a text that is none", &socket(&[0x81, 0x81, 0, 0, 0, 0, 0xff]), b""),
        way(
            "a frame that is far too large",
            &socket(&[0x82, 0xff, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0]),
            &[0; 1_024],
        ),
        way("what is not HTTP", b"\0\0\0\0\n\n\n\n", b"x"),
    ]
}
