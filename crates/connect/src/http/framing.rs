//! Finds where requests begin and end in the bytes of a connection, and refuses what is malformed.

use super::head::{self, Length, Refusal, malformed};

/// Bytes that a head may have; the limit of trailers, too.
const HEAD: usize = 16_384;
/// Bytes that a request's first line may have.
const REQUEST_LINE: usize = 8_192;
/// Empty lines that may come before a request (RFC 9112 section 2.2 asks for one).
const EMPTY_LINES: usize = 4;
/// Bytes that a chunk's size line may have.
const CHUNK_LINE: usize = 256;

/// A refusal; nothing after it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub why: Refusal,
    /// Whether the head of the request was passed on before, so that its body is being read already.
    pub in_body: bool,
}

/// The parser of one connection.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    at: At,
    /// The head, or the line, whose end has not come yet.
    line: Vec<u8>,
    /// Empty lines that have come before the head.
    empty_lines: usize,
    /// Bytes of the trailers so far.
    trailers: usize,
    /// Heads that were passed on.
    requests: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// The content of a body or (if `chunk`) of a chunk, of which `left` bytes are still to come.
    Content {
        left: u64,
        chunk: bool,
    },
    ChunkLine,
    ChunkEnd,
    Trailers,
    /// Everything after an upgrade, which may not be HTTP.
    Opaque,
}

impl Framing {
    /// The number of heads that were passed on.
    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether a head has begun and not ended.
    pub(crate) fn is_in_head(&self) -> bool {
        self.at == At::Head && !self.line.is_empty()
    }

    /// Whether a body has not ended.
    pub(crate) fn is_in_body(&self) -> bool {
        !matches!(self.at, At::Head | At::Opaque)
    }

    /// Takes bytes as they came, and adds to `passed` what hyper may read. Heads are passed on whole. What was refused
    /// is not in `passed`, nor is the head that it belongs to, if that came with these very bytes.
    pub(crate) fn take(&mut self, bytes: &[u8], passed: &mut Vec<u8>) -> Result<(), Refused> {
        let mut rest = bytes;
        // The index in `passed` where the present request's head begins.
        let mut head_at = None;
        while !rest.is_empty() {
            let (requests, length) = (self.requests, passed.len());
            let in_head = self.at == At::Head;
            let taken = match self.at {
                At::Head => self.take_head(rest, passed),
                At::Content { left, chunk } => Ok(self.take_content(rest, left, chunk, passed)),
                At::ChunkLine | At::ChunkEnd | At::Trailers => self.take_line(rest, passed),
                At::Opaque => {
                    passed.extend_from_slice(rest);
                    Ok(rest.len())
                }
            };
            if self.requests > requests {
                head_at = Some(length);
            }
            match (taken, head_at) {
                (Ok(taken), _) => rest = rest.get(taken..).unwrap_or_default(),
                (Err(why), _) if in_head => return Err(Refused { why, in_body: false }),
                (Err(why), None) => return Err(Refused { why, in_body: true }),
                (Err(why), Some(head_at)) => {
                    passed.truncate(head_at);
                    self.requests -= 1;
                    return Err(Refused { why, in_body: false });
                }
            }
        }
        Ok(())
    }

    fn take_head(&mut self, bytes: &[u8], passed: &mut Vec<u8>) -> Result<usize, Refusal> {
        for (at, byte) in bytes.iter().enumerate() {
            push(&mut self.line, *byte)?;
            self.check_size()?;
            if self.line == b"\r\n" {
                self.line.clear();
                self.empty_lines += 1;
                if self.empty_lines > EMPTY_LINES {
                    return Err(malformed("At most four empty lines may come before a request."));
                }
            }
            if self.line.ends_with(b"\r\n\r\n") {
                let head = head::read(&self.line)?;
                passed.append(&mut self.line);
                (self.line, self.empty_lines) = (Vec::new(), 0);
                self.requests += 1;
                self.at = match head.body {
                    _ if head.upgrades => At::Opaque,
                    Length::Known(0) => At::Head,
                    Length::Known(left) => At::Content { left, chunk: false },
                    Length::Chunked => At::ChunkLine,
                };
                return Ok(at + 1);
            }
        }
        Ok(bytes.len())
    }

    fn check_size(&self) -> Result<(), Refusal> {
        // Looked for once and not with each further byte: a head whose first line ended just in time would otherwise be
        // read through eight thousand times.
        let too_long = self.line.len() == REQUEST_LINE + 1 && !self.line.contains(&b'\n');
        if too_long {
            return Err(Refusal { status: 414, detail: "A request's first line may have at most 8,192 bytes." });
        }
        if self.line.len() > HEAD {
            return Err(Refusal { status: 431, detail: "A request's head may have at most 16,384 bytes." });
        }
        Ok(())
    }

    fn take_content(&mut self, bytes: &[u8], left: u64, chunk: bool, passed: &mut Vec<u8>) -> usize {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        passed.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        self.at = match left - taken as u64 {
            0 if chunk => At::ChunkEnd,
            0 => At::Head,
            left => At::Content { left, chunk },
        };
        taken
    }

    fn take_line(&mut self, bytes: &[u8], passed: &mut Vec<u8>) -> Result<usize, Refusal> {
        for (at, byte) in bytes.iter().enumerate() {
            push(&mut self.line, *byte)?;
            let most = if self.at == At::Trailers { HEAD } else { CHUNK_LINE };
            if self.line.len() > most {
                return Err(malformed("A line of a chunked body is too long."));
            }
            if self.line.ends_with(b"\r\n") {
                let line = std::mem::take(&mut self.line);
                self.at = self.after(line.strip_suffix(b"\r\n").unwrap_or_default())?;
                passed.extend_from_slice(&line);
                return Ok(at + 1);
            }
        }
        Ok(bytes.len())
    }

    /// The state after a line of a chunked body.
    fn after(&mut self, line: &[u8]) -> Result<At, Refusal> {
        match self.at {
            At::ChunkLine => match read_chunk_line(line)? {
                0 => {
                    self.trailers = 0;
                    Ok(At::Trailers)
                }
                left => Ok(At::Content { left, chunk: true }),
            },
            At::ChunkEnd if line.is_empty() => Ok(At::ChunkLine),
            At::Trailers if line.is_empty() => Ok(At::Head),
            At::Trailers => {
                self.trailers += line.len();
                if self.trailers > HEAD {
                    return Err(Refusal { status: 431, detail: "Trailers may have at most 16,384 bytes." });
                }
                head::read_field(line).map(|_| At::Trailers)
            }
            _ => Err(malformed("A chunk is longer than it says.")),
        }
    }
}

/// Adds a byte to lines that must end in CRLF and in nothing else.
fn push(line: &mut Vec<u8>, byte: u8) -> Result<(), Refusal> {
    if (line.last() == Some(&b'\r')) != (byte == b'\n') {
        return Err(malformed("Lines end in CRLF."));
    }
    line.push(byte);
    Ok(())
}

/// Parses the size of the chunk that follows.
fn read_chunk_line(line: &[u8]) -> Result<u64, Refusal> {
    const BAD: Refusal = malformed("A chunk's size is not a hexadecimal number.");
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extension) = line.split_at(digits);
    let is_extension = extension.is_empty() || extension.trim_ascii_start().first() == Some(&b';');
    if !is_extension || extension.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(BAD);
    }
    let size = str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
    size.filter(|_| digits <= 16).ok_or(BAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// Feeds bytes in these pieces: returns what is passed on, the number of requests, and the status of the refusal.
    fn take<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, u64, Option<u16>) {
        let (mut framing, mut all) = (Framing::default(), Vec::new());
        for piece in pieces {
            let mut passed = Vec::new();
            let taken = framing.take(piece, &mut passed);
            all.extend(passed);
            if let Err(refused) = taken {
                return (String::from_utf8_lossy(&all).into_owned(), framing.requests(), Some(refused.why.status));
            }
        }
        (String::from_utf8_lossy(&all).into_owned(), framing.requests(), None)
    }

    #[test]
    fn requests_pass_one_after_another_with_whole_heads() {
        let length = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345";
        let chunked = format!("{POST}5\r\n12345\r\n1F;a=b\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n", "x".repeat(31));
        let all = format!("{GET}{length}{chunked}{GET}");
        assert_eq!(take([all.as_bytes()]), (all.clone(), 4, None));
        assert_eq!(take([&all.as_bytes()[..GET.len() + 10]]), (GET.to_owned(), 1, None));
        let empty_lines = "\r\n".repeat(EMPTY_LINES);
        let between = format!("{empty_lines}{GET}{empty_lines}{GET}{empty_lines}");
        assert_eq!(take([between.as_bytes()]), (format!("{GET}{GET}"), 2, None), "they are counted for each request");
    }

    #[test]
    fn after_a_handshake_everything_passes() {
        let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\n\n\0not HTTP";
        assert_eq!(take([upgrade.as_bytes()]), (upgrade.to_owned(), 1, None));
    }

    /// Bytes that must be refused after one good request, with the status.
    fn refused() -> Vec<(u16, String)> {
        let bad = |status, text: &str| (status, text.to_owned());
        let mut cases = vec![
            bad(400, &"\r\n".repeat(EMPTY_LINES + 1)),
            bad(400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            bad(400, "GET / HTTP/1.1\nHost: a\n\n"),
            bad(400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
            bad(400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
            bad(400, "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
            bad(400, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
            bad(400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
            (414, format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(REQUEST_LINE))),
            (431, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(HEAD))),
        ];
        for chunks in [
            "\r\n",
            "+1\r\nx",
            "-1\r\nx",
            "0x1\r\nx",
            " 1\r\nx",
            "1 1\r\nx",
            "g\r\nx",
            "1\nx",
            "1\r\nx0\r\n",
            "1\r\nxx\r\n",
            "1\r\nx\n0\r\n",
            "10000000000000000\r\nx",
            "00000000000000001\r\nx",
            "1;\x01\r\nx",
            "0\r\nX : a\r\n\r\n",
            "0\r\n a\r\n\r\n",
            "0\r\nX: a\n\n",
        ] {
            cases.push((400, format!("{POST}{chunks}")));
        }
        cases.push((400, format!("{POST}1;{}\r\nx", "x".repeat(CHUNK_LINE))));
        cases.push((431, format!("{POST}0\r\n{}", format!("X: {}\r\n", "x".repeat(HEAD / 2)).repeat(3))));
        cases
    }

    #[test]
    fn a_refused_request_and_everything_after_it_do_not_pass() {
        for (status, text) in refused() {
            let all = format!("{GET}{text}");
            assert_eq!(take([all.as_bytes()]), (GET.to_owned(), 1, Some(status)), "{text:?}");
        }
    }

    #[test]
    fn the_verdict_does_not_depend_on_how_the_bytes_are_cut() {
        for (status, text) in refused() {
            let all = format!("{GET}{text}");
            let crumbs = take(all.as_bytes().chunks(1));
            assert_eq!(crumbs.2, Some(status), "{text:?}");
            for cut in (1..all.len()).filter(|cut| all.len() < 1_000 || cut % 997 == 0) {
                let (passed, _, verdict) = take([&all.as_bytes()[..cut], &all.as_bytes()[cut..]]);
                assert_eq!(verdict, Some(status), "{text:?} cut at {cut}");
                assert!(passed.starts_with(GET) && crumbs.0.starts_with(&passed), "{text:?} cut at {cut}: {passed:?}");
            }
        }
    }

    #[test]
    fn no_input_makes_it_panic_or_pass_a_bare_line_end_in_a_head() {
        let mut seed = 1_u64;
        let mut dice = |sides: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % sides
        };
        let crumbs = [
            "GET",
            " ",
            "/",
            "HTTP/1.1",
            "\r\n",
            "\n",
            "\r",
            "Host: a",
            ":",
            "Content-Length: 3",
            "Transfer-Encoding: chunked",
            "3",
            "abc",
            "0",
            ";",
            "\0",
            "é",
            "Upgrade: websocket",
            "GET / HTTP/1.1\r\nHost: a\r\n",
        ];
        for _ in 0..20_000 {
            let text: String = (0..dice(12)).map(|_| crumbs[dice(crumbs.len())]).collect();
            let whole = take([text.as_bytes()]);
            let cut = dice(text.len() + 1);
            let (passed, requests, verdict) = take([&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
            assert_eq!(verdict, whole.2, "{text:?} cut at {cut}");
            assert!(passed.starts_with(&whole.0) && requests >= whole.1, "{text:?} cut at {cut}");
        }
    }
}
