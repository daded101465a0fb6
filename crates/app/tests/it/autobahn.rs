//! RFC 6455 by the letter: the cases of the Autobahn testsuite, sections 1 to 7 and 10, under its numbers.
//!
//! Autobahn's peer is an echo server, and ours is none. What it sends as a message to be echoed is here a `ping` command
//! with spaces behind it up to the size that the case asks for; its answer, which names the command's id, stands for the
//! echo. Where the case is about the very text (section 6), the text is the command's id, which comes back in the
//! answer; where a text cannot be part of JSON, the refusal of a command that cannot be read stands for the echo. A
//! binary message is refused, and the connection lives: that is its echo. "Failing the connection" is a close frame
//! with the code that the RFC names, or none of the case's alternatives, and then the end of the connection. After each
//! case that does not end so, the connection is closed in order, as Autobahn does.
//!
//! Left out: sections 9 (speed, which `palabre bench` measures), 12 and 13 (compression, which is not offered).

use std::fmt::Write as _;

use serde_json::{Value, json};
use testkit::{Town, Wire};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CONTINUATION: u8 = 0x00;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

const PROTOCOL_ERROR: u16 = 1002;
const NOT_TEXT: u16 = 1007;

/// The server's answer.
#[derive(Clone, Debug, PartialEq)]
enum Says {
    /// The answer to the command with this id.
    Answer(String),
    /// That a message could not be read, or not be taken, with this code.
    Refusal(&'static str),
    Pong(Vec<u8>),
    Close(u16),
}

/// One of Autobahn's cases.
struct Case {
    number: String,
    bytes: Vec<u8>,
    /// In pieces of how many bytes they are written.
    chop: usize,
    says: Vec<Says>,
}

/// A frame, masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x5a, 0x01, 0xff, 0x80];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A command of this size that is answered with this id.
fn command(id: &str, size: usize) -> Vec<u8> {
    let mut text = json!({"id": id, "type": "ping"}).to_string().into_bytes();
    text.resize(size.max(text.len()), b' ');
    text
}

fn answer(id: &str) -> Says {
    Says::Answer(id.to_owned())
}

fn case(number: &str, frames: &[Vec<u8>], says: &[Says]) -> Case {
    Case { number: number.to_owned(), bytes: frames.concat(), chop: usize::MAX, says: says.to_vec() }
}

/// The same bytes as one write, frame by frame or byte by byte: to a receiver of a stream there is no difference
/// between the first two, so the second is written in pieces of seven bytes.
fn chopped(numbers: [&str; 3], frames: &[Vec<u8>], says: &[Says]) -> Vec<Case> {
    let cases = numbers.iter().zip([usize::MAX, 7, 1]);
    cases.map(|(number, chop)| Case { chop, ..case(number, frames, says) }).collect()
}

/// 1: messages of every form of length. 10.1.1: a large one in fragments of 1,300 bytes.
fn sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, size, chop) in [
        (1, 0, usize::MAX),
        (2, 125, usize::MAX),
        (3, 126, usize::MAX),
        (4, 127, usize::MAX),
        (5, 128, usize::MAX),
        (6, 65_535, usize::MAX),
        (7, 65_536, usize::MAX),
        (8, 65_536, 997),
    ] {
        let (text, says) = match size {
            0 => (Vec::new(), Says::Refusal("malformed")),
            size => (command("1", size), answer("1")),
        };
        cases.push(Case { chop, ..case(&format!("1.1.{at}"), &[frame(TEXT, &text)], &[says]) });
        let binary = frame(BINARY, &vec![0xfe; size]);
        cases.push(Case { chop, ..case(&format!("1.2.{at}"), &[binary], &[Says::Refusal("malformed")]) });
    }
    let large = command("10", 65_536);
    let pieces: Vec<&[u8]> = large.chunks(1_300).collect();
    let (last, before) = pieces.split_last().expect("a piece");
    let mut frames: Vec<Vec<u8>> =
        before.iter().enumerate().map(|(at, piece)| frame(u8::from(at == 0), piece)).collect();
    frames.push(frame(LAST, last));
    cases.push(case("10.1.1", &frames, &[answer("10")]));
    cases
}

/// 2: pings and pongs.
fn pings() -> Vec<Case> {
    let long: &[u8] = &[0xfe; 125];
    let pong = |payload: &[u8]| Says::Pong(payload.to_vec());
    let ten: Vec<Vec<u8>> = (0..10).map(|n| frame(PING, format!("payload-{n}").as_bytes())).collect();
    let ten_pongs: Vec<Says> = (0..10).map(|n| pong(format!("payload-{n}").as_bytes())).collect();
    vec![
        case("2.1", &[frame(PING, b"")], &[pong(b"")]),
        case("2.2", &[frame(PING, b"Hello, world!")], &[pong(b"Hello, world!")]),
        case("2.3", &[frame(PING, &[0, 255, 254, 253])], &[pong(&[0, 255, 254, 253])]),
        case("2.4", &[frame(PING, long)], &[pong(long)]),
        case("2.5", &[frame(PING, &[0xfe; 126])], &[Says::Close(PROTOCOL_ERROR)]),
        Case { chop: 1, ..case("2.6", &[frame(PING, long)], &[pong(long)]) },
        case("2.7", &[frame(PONG, b"")], &[]),
        case("2.8", &[frame(PONG, b"unsolicited")], &[]),
        case("2.9", &[frame(PONG, b"unsolicited"), frame(PING, b"ping")], &[pong(b"ping")]),
        case("2.10", &ten, &ten_pongs),
        Case { chop: 1, ..case("2.11", &ten, &ten_pongs) },
    ]
}

/// 3: reserved bits, 4: reserved opcodes.
fn reserved() -> Vec<Case> {
    let text = command("r", 0);
    let fails = Says::Close(PROTOCOL_ERROR);
    let mut cases = vec![case("3.1", &[frame(TEXT | 0x10, &text)], std::slice::from_ref(&fails))];
    let after_a_text = [answer("r"), fails.clone()];
    for (number, bits, chop) in [("3.2", 0x20, usize::MAX), ("3.3", 0x30, 7), ("3.4", 0x40, 1)] {
        let frames = [frame(TEXT, &text), frame(TEXT | bits, &text), frame(PING, b"")];
        cases.push(Case { chop, ..case(number, &frames, &after_a_text) });
    }
    cases.push(case("3.5", &[frame(BINARY | 0x50, &text)], std::slice::from_ref(&fails)));
    cases.push(case("3.6", &[frame(PING | 0x60, b"ping")], std::slice::from_ref(&fails)));
    cases.push(case("3.7", &[frame(CLOSE | 0x70, &1000_u16.to_be_bytes())], std::slice::from_ref(&fails)));
    for (section, first) in [("4.1", 3), ("4.2", 11)] {
        for at in 0..5_u8 {
            let opcode = LAST | (first + at);
            let (number, payload) = (format!("{section}.{}", at + 1), if at == 0 { &[][..] } else { b"reserved" });
            cases.push(match at {
                0 | 1 => case(&number, &[frame(opcode, payload)], std::slice::from_ref(&fails)),
                _ => {
                    let frames = [frame(TEXT, &text), frame(opcode, payload), frame(PING, b"")];
                    let chop = if at == 4 { 1 } else { usize::MAX };
                    Case { chop, ..case(&number, &frames, &after_a_text) }
                }
            });
        }
    }
    cases
}

/// 5: fragments.
fn fragments() -> Vec<Case> {
    let text = command("f", 0);
    let (head, tail) = text.split_at(9);
    let fails = Says::Close(PROTOCOL_ERROR);
    let pong = Says::Pong(b"ping".to_vec());
    let two = [frame(0x01, head), frame(LAST, tail)];
    let with_ping = [frame(0x01, head), frame(PING, b"ping"), frame(LAST, tail)];
    let mut cases = vec![
        case("5.1", &[frame(0x09, b"fragment1"), frame(LAST, b"fragment2")], std::slice::from_ref(&fails)),
        case("5.2", &[frame(0x0a, b"fragment1"), frame(LAST, b"fragment2")], std::slice::from_ref(&fails)),
    ];
    cases.extend(chopped(["5.3", "5.4", "5.5"], &two, &[answer("f")]));
    cases.extend(chopped(["5.6", "5.7", "5.8"], &with_ping, &[pong.clone(), answer("f")]));
    let of_nothing = |first| [frame(first, b"non-continuation payload"), frame(TEXT, &text)];
    cases.extend(chopped(["5.9", "5.10", "5.11"], &of_nothing(LAST), std::slice::from_ref(&fails)));
    cases.extend(chopped(["5.12", "5.13", "5.14"], &of_nothing(CONTINUATION), std::slice::from_ref(&fails)));
    let then_nothing = [two.concat(), frame(CONTINUATION, b"fragment3"), frame(TEXT, &text)];
    cases.push(case("5.15", &then_nothing, &[answer("f"), fails.clone()]));
    for (number, first) in [("5.16", CONTINUATION), ("5.17", LAST)] {
        let once = [frame(first, b"fragment1"), frame(0x01, head), frame(LAST, tail)].concat();
        cases.push(case(number, &[once.clone(), once], std::slice::from_ref(&fails)));
    }
    cases.push(case("5.18", &[frame(0x01, head), frame(TEXT, tail)], std::slice::from_ref(&fails)));
    let (second, third) = tail.split_at(3);
    let five = [
        frame(0x01, head),
        frame(CONTINUATION, b""),
        frame(PING, b"ping"),
        frame(CONTINUATION, second),
        frame(CONTINUATION, b""),
        frame(PING, b"ping"),
        frame(LAST, third),
    ];
    let says = [pong.clone(), pong, answer("f")];
    cases.push(case("5.19", &five, &says));
    cases.push(Case { chop: 1, ..case("5.20", &five, &says) });
    cases
}

/// A text in one frame: what comes back of it.
fn text_case(number: &str, text: &[u8]) -> Case {
    let (bytes, says) = match str::from_utf8(text) {
        Err(_) => (text.to_vec(), Says::Close(NOT_TEXT)),
        Ok("") => (Vec::new(), Says::Refusal("malformed")),
        Ok(text) if text.chars().any(|character| character < ' ') => {
            (text.as_bytes().to_vec(), Says::Refusal("malformed"))
        }
        Ok(text) => (command(text, 0), answer(text)),
    };
    case(number, &[frame(TEXT, &bytes)], &[says])
}

/// 6.1 to 6.4: texts in fragments, and how early one that is none is refused.
fn texts_in_fragments() -> Vec<Case> {
    const GOOD: &str = "Hello-µ@ßöäüàá-UTF-8!!";
    const GREEK: &[u8] = &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5];
    const BAD: &[u8] = &[0xed, 0xa0, 0x80, b'e', b'd', b'i', b't', b'e', b'd'];
    const BEYOND: &[u8] = &[0xf4, 0x90, 0x80, 0x80];
    let in_octets = |text: &[u8]| -> Vec<Vec<u8>> {
        let mut frames: Vec<Vec<u8>> =
            text.iter().enumerate().map(|(at, byte)| frame(u8::from(at == 0), &[*byte])).collect();
        frames.push(frame(LAST, b""));
        frames
    };
    let good = command(GOOD, 0);
    let at = good.windows(2).position(|two| two == "µ".as_bytes()).expect("the text");
    let bad = [GREEK, BAD].concat();
    let fails = [Says::Close(NOT_TEXT)];
    let empty = [Says::Refusal("malformed")];
    let small = command("s", 0);
    vec![
        case("6.1.1", &[frame(TEXT, b"")], &empty),
        case("6.1.2", &[frame(0x01, b""), frame(CONTINUATION, b""), frame(LAST, b"")], &empty),
        case("6.1.3", &[frame(0x01, b""), frame(CONTINUATION, &small), frame(LAST, b"")], &[answer("s")]),
        case("6.2.1", &[frame(TEXT, &good)], &[answer(GOOD)]),
        // On a character's border, and within a character.
        case("6.2.2", &[frame(0x01, &good[..at]), frame(LAST, &good[at..])], &[answer(GOOD)]),
        case("6.2.3", &in_octets(&good), &[answer(GOOD)]),
        case("6.2.4", &[frame(0x01, &good[..=at]), frame(LAST, &good[at + 1..])], &[answer(GOOD)]),
        case("6.3.1", &[frame(TEXT, &bad)], &fails),
        case("6.3.2", &in_octets(&bad), &fails),
        // The bytes that would complete these never come: the connection has to fail before.
        case("6.4.1", &[frame(0x01, GREEK), frame(CONTINUATION, BEYOND)], &fails),
        case("6.4.2", &[frame(0x01, &[GREEK, &BEYOND[..1]].concat()), frame(CONTINUATION, &BEYOND[1..2])], &fails),
        unfinished("6.4.3", &[GREEK, BEYOND, BAD].concat(), GREEK.len() + BEYOND.len()),
        unfinished("6.4.4", &[GREEK, BEYOND, BAD].concat(), GREEK.len() + 2),
    ]
}

/// A text of which only so many bytes come.
fn unfinished(number: &str, text: &[u8], come: usize) -> Case {
    let mut bytes = frame(TEXT, text);
    bytes.truncate(bytes.len() - text.len() + come);
    Case { chop: 1, ..case(number, &[bytes], &[Says::Close(NOT_TEXT)]) }
}

/// 6.5 to 6.23: what is UTF-8 and what is not. The sequences are those of Markus Kuhn's test, as in Autobahn.
fn sequences() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut section = |number: u8, texts: &[&[u8]]| {
        for (at, text) in texts.iter().enumerate() {
            cases.push(text_case(&format!("6.{number}.{}", at + 1), text));
        }
    };
    let greek: &[u8] = "κόσμε".as_bytes();
    section(5, &["Hello-µ@ßöäüàá-UTF-8!!".as_bytes(), b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", greek]);
    // Every beginning of a text that ends within a character is none.
    let beginnings: Vec<&[u8]> = (1..=greek.len()).map(|end| &greek[..end]).collect();
    section(6, &beginnings);
    section(7, &[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]);
    section(8, &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]);
    section(9, &[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]);
    section(10, &[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]);
    section(11, &[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80"]);
    let lonely: Vec<Vec<u8>> =
        (1..=6).map(|count| [0x80, 0xbf].iter().copied().cycle().take(count).collect()).collect();
    let all_continuations: Vec<u8> = (0x80..=0xbf).collect();
    let mut twelve: Vec<&[u8]> = vec![b"\x80", b"\xbf"];
    twelve.extend(lonely.iter().skip(1).map(Vec::as_slice));
    twelve.push(&all_continuations);
    section(12, &twelve);
    let starts = |from: u8, to: u8| (from..=to).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>();
    let starts = [starts(0xc0, 0xdf), starts(0xe0, 0xef), starts(0xf0, 0xf7), starts(0xf8, 0xfb), starts(0xfc, 0xfd)];
    section(13, &starts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let incomplete: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    section(14, &incomplete);
    section(15, &[&incomplete.concat()]);
    section(16, &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]);
    section(
        17,
        &[b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"],
    );
    section(
        18,
        &[b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"],
    );
    section(
        19,
        &[b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"],
    );
    let surrogates: [&[u8]; 7] = [
        b"\xed\xa0\x80",
        b"\xed\xad\xbf",
        b"\xed\xae\x80",
        b"\xed\xaf\xbf",
        b"\xed\xb0\x80",
        b"\xed\xbe\x80",
        b"\xed\xbf\xbf",
    ];
    section(20, &surrogates);
    let pairs: Vec<Vec<u8>> = surrogates[..4]
        .iter()
        .flat_map(|high| [surrogates[4], surrogates[6]].map(|low| [*high, low].concat()))
        .collect();
    section(21, &pairs.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let no_characters: Vec<String> = (0..=16_u32)
        .flat_map(|plane| [plane << 16 | 0xfffe, plane << 16 | 0xffff])
        .filter_map(char::from_u32)
        .map(String::from)
        .collect();
    section(22, &no_characters.iter().map(String::as_bytes).collect::<Vec<_>>());
    section(
        23,
        &["\u{fff9}", "\u{fffa}", "\u{fffb}", "\u{fffc}", "\u{fffd}", "\u{feff}", "\u{fdd0}"].map(str::as_bytes),
    );
    cases
}

/// 7: closing.
fn closing() -> Vec<Case> {
    let text = command("c", 0);
    let close = |code: u16, reason: &[u8]| frame(CLOSE, &[&code.to_be_bytes(), reason].concat());
    let good = || close(1000, b"");
    let closed = [Says::Close(1000)];
    let fails = [Says::Close(PROTOCOL_ERROR)];
    let mut cases = vec![
        case("7.1.1", &[frame(TEXT, &text), good()], &[answer("c"), Says::Close(1000)]),
        case("7.1.2", &[good(), good()], &closed),
        case("7.1.3", &[good(), frame(PING, b"")], &closed),
        case("7.1.4", &[good(), frame(TEXT, &text)], &closed),
        case("7.1.5", &[frame(0x01, &text[..5]), good(), frame(LAST, &text[5..])], &closed),
        case(
            "7.1.6",
            &[frame(TEXT, &vec![b'*'; 256 << 10]), frame(TEXT, &text), good(), frame(PING, b"")],
            &[Says::Refusal("too_large"), answer("c"), Says::Close(1000)],
        ),
        case("7.3.1", &[frame(CLOSE, b"")], &closed),
        case("7.3.2", &[frame(CLOSE, b"a")], &fails),
        case("7.3.3", &[good()], &closed),
        case("7.3.4", &[close(1000, b"Hello World!")], &closed),
        case("7.3.5", &[close(1000, &[b'*'; 123])], &closed),
        case("7.3.6", &[close(1000, &[b'*'; 124])], &fails),
        case("7.5.1", &[close(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80")], &fails),
    ];
    let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for (at, code) in codes.into_iter().enumerate() {
        cases.push(case(&format!("7.7.{}", at + 1), &[close(code, b"")], &[Says::Close(code)]));
    }
    for (at, code) in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].into_iter().enumerate() {
        cases.push(case(&format!("7.9.{}", at + 1), &[close(code, b"")], &fails));
    }
    for (at, code) in [5_000, 65_535].into_iter().enumerate() {
        cases.push(case(&format!("7.13.{}", at + 1), &[close(code, b"")], &fails));
    }
    cases
}

/// Sentences of the RFC for which Autobahn has no case.
fn besides() -> Vec<Case> {
    let fails = [Says::Close(PROTOCOL_ERROR)];
    let long_form = |first: u8, length: &[u8]| [&[first][..], length, &[0; 4]].concat();
    vec![
        case("a frame without a mask", &[vec![0x81, 0x01, b'a']], &fails),
        case("125 bytes in the form for more", &[long_form(TEXT, &[0xfe, 0, 125]), vec![b' '; 125]], &fails),
        case("65,535 bytes in the longest form", &[long_form(BINARY, &[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff])], &fails),
        case("a length beyond 63 bits", &[long_form(BINARY, &[0xff, 0x80, 0, 0, 0, 0, 0, 0, 0])], &fails),
        case("a close frame in fragments", &[frame(0x08, &[3, 232]), frame(LAST, b"")], &fails),
    ]
}

/// The next thing that the server says, pings of its own apart; nothing once it has gone.
async fn hears(wire: &mut Wire) -> Option<Says> {
    loop {
        let (opcode, payload) = wire.hears().await?;
        return Some(match opcode {
            1 => {
                let said: Value = serde_json::from_slice(&payload).expect("JSON");
                match (said["re"].as_str(), said["error"]["code"].as_str()) {
                    (Some(id), None) => answer(id),
                    (_, Some("malformed")) => Says::Refusal("malformed"),
                    (_, Some("too_large")) => Says::Refusal("too_large"),
                    _ => panic!("neither an answer nor a refusal: {said}"),
                }
            }
            8 => Says::Close(u16::from_be_bytes(*payload.first_chunk().expect("a code"))),
            9 => continue,
            10 => Says::Pong(payload),
            other => panic!("a frame of kind {other}"),
        });
    }
}

/// The mistake in one case, if there is one.
async fn play(town: &Town, case: &Case) -> Option<String> {
    let mut wire = town.wire().await;
    for piece in case.bytes.chunks(case.chop.min(case.bytes.len().max(1))) {
        wire.writes(piece).await;
    }
    let mut expected = case.says.clone();
    let closes = matches!(expected.last(), Some(Says::Close(_)));
    if !closes {
        wire.writes(&frame(CLOSE, &1000_u16.to_be_bytes())).await;
        expected.push(Says::Close(1000));
    }
    let mut heard = Vec::new();
    while let Some(says) = hears(&mut wire).await {
        heard.push(says);
    }
    (heard != expected).then(|| format!("{}: expected {expected:?}, heard {heard:?}\n", case.number))
}

#[tokio::test]
async fn websockets_are_spoken_by_the_letter() {
    let town = Town::opens().await;
    let sections = [sizes(), pings(), reserved(), fragments(), texts_in_fragments(), sequences(), closing(), besides()];
    let cases = sections.into_iter().flatten();
    let (mut wrong, mut count) = (String::new(), 0);
    for case in cases {
        count += 1;
        if let Some(problem) = play(&town, &case).await {
            let _written = wrong.write_str(&problem);
        }
    }
    assert!(count > 200, "{count} cases");
    assert!(wrong.is_empty(), "{wrong}");
}
