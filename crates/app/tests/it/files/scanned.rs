//! Files and a scanner: a clamd of forty lines, which takes for infected what contains a certain text.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use blobs::scanner::ScannerAddress;
use serde_json::json;
use testkit::Town;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixListener},
};

use super::{message, path, status, uploads};

/// The bytes that the scanner looks for.
const HARM: &[u8] = b"a text that does harm";
/// More than this the scanner does not take.
const MOST: usize = 200_000;

/// Answers one question as clamd does.
async fn converse(mut wire: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut command = Vec::new();
    while command.last() != Some(&0) {
        command.push(wire.read_u8().await?);
    }
    if command == b"zVERSION\0" {
        return wire.write_all(b"ClamAV 1.0.9/27000/of the test\0").await;
    }
    assert_eq!(command, b"zINSTREAM\0");
    let mut all = Vec::new();
    loop {
        let length = wire.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        if all.len() + length > MOST {
            return wire.write_all(b"INSTREAM size limit exceeded. ERROR\0").await;
        }
        let at = all.len();
        all.resize(at + length, 0);
        wire.read_exact(&mut all[at..]).await?;
    }
    let is_harm = all.windows(HARM.len()).any(|window| window == HARM);
    wire.write_all(if is_harm { b"stream: Test.Harm-1 FOUND\0" } else { b"stream: OK\0" }).await
}

async fn on_tcp() -> (ScannerAddress, Arc<AtomicUsize>) {
    let (listener, asked) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(AtomicUsize::new(0)));
    let (address, counted) = (listener.local_addr().unwrap(), asked.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(converse(stream));
        }
    });
    (ScannerAddress::Tcp(address.to_string()), asked)
}

fn harmful() -> Vec<u8> {
    // At the end of the first block and the beginning of the second.
    let mut bytes = vec![b'x'; (128 << 10) - 7];
    bytes.extend_from_slice(HARM);
    bytes.extend_from_slice(&[b'y'; 1_000]);
    bytes
}

#[tokio::test]
async fn an_infected_file_is_never_readable_and_its_sender_is_told() {
    let (address, asked) = on_tcp().await;
    let mut town = Town::with(|config| config.data.scanner = Some(address)).await;
    let (ann, admin) = (town.person("ann").await, town.admin("root").await);
    let room = ann.opens_room("garden").await;
    let good = uploads(town.rest(), &ann, "good.txt", vec![b'x'; 150_000]).await;
    let refused = town.rest().upload(&ann.tokens().access, "bad.txt", harmful()).await.refused(422, "file_infected");
    assert!(refused["detail"].as_str().unwrap().contains("Test.Harm-1"), "{refused}");
    // Nothing of it is left, and it takes no room.
    town.keeps(1).await;
    let statistics = admin.asks("server.statistics", json!({})).await.granted();
    assert_eq!([&statistics["files"], &statistics["file_bytes"]], [&json!(1), &json!(150_000)]);
    // Each node counts what it has refused.
    let (mut infected, token) = (0, admin.tokens().access);
    for rest in town.rests() {
        let statistics = rest.ask("GET", "/v1/server/statistics", Some(&token), &json!(null)).await.granted();
        infected += statistics["files_infected"].as_i64().unwrap();
    }
    assert_eq!(infected, 1);
    // A file that the scanner does not take is not let past it.
    town.rest().upload(&ann.tokens().access, "large.txt", vec![b'x'; MOST + 1]).await.refused(413, "too_large");
    town.keeps(1).await;
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    ann.asks("message.send", message(&room, "one", &[&good])).await.granted();
    assert_eq!(status(town.rest(), &ann, &good).await, 200);
    town.closes().await;
}

#[tokio::test]
async fn while_the_scanner_is_away_files_are_refused_or_accepted_as_is_configured() {
    let nobody = || Some(ScannerAddress::Unix(PathBuf::from("/nowhere/clamd.ctl")));
    let mut strict = Town::with(|config| config.data.scanner = nobody()).await;
    let ann = strict.person("ann").await;
    let refused = strict.rest().upload(&ann.tokens().access, "a.txt", "a text").await.refused(503, "unavailable");
    assert!(refused["detail"].as_str().unwrap().contains("scanned"), "{refused}");
    strict.keeps(0).await;
    strict.closes().await;
    let mut lenient = Town::with(|config| (config.data.scanner, config.data.accept_unscanned) = (nobody(), true)).await;
    let ann = lenient.person("ann").await;
    let file = uploads(lenient.rest(), &ann, "a.txt", b"a text".to_vec()).await;
    assert_eq!(status(lenient.rest(), &ann, &file).await, 200);
    assert!(path(&file).starts_with("/v1/files/"));
    lenient.closes().await;
}

#[tokio::test]
async fn a_scanner_is_reached_over_a_unix_socket_and_what_it_says_without_sense_is_no_verdict() {
    let place = std::env::temp_dir().join(format!("palabre-clamd-{}.ctl", std::process::id()));
    let _none = std::fs::remove_file(&place);
    let listener = UnixListener::bind(&place).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            match counted.fetch_add(1, Ordering::Relaxed) {
                0 => drop(tokio::spawn(converse(stream))),
                // It leaves without a word, or says something else.
                1 => drop(stream),
                _ => drop(stream.write_all(b"UNKNOWN COMMAND\0").await),
            }
        }
    });
    let mut town = Town::with(|config| config.data.scanner = Some(ScannerAddress::Unix(place.clone()))).await;
    let ann = town.person("ann").await;
    uploads(town.rest(), &ann, "good.txt", vec![b'x'; 100_000]).await;
    for _ in 0..2 {
        town.rest().upload(&ann.tokens().access, "a.txt", vec![b'x'; 100_000]).await.refused(503, "unavailable");
    }
    town.keeps(1).await;
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    town.closes().await;
    std::fs::remove_file(&place).unwrap();
}
