//! The way in, as people come: through the reverse proxy to a socket, and back.

use std::{net::IpAddr, time::UNIX_EPOCH};

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_websockets::{ClientBuilder, Error, Message, WebSocketStream, upgrade};

use super::{
    clock,
    finding::{Finding, Level},
    http::{self, Answer, Place, Wire, within},
};
use crate::{config::Config, parts};

const CHECK: &str = "proxy";
const SOCKET: &str = "socket";
/// Where nobody is (RFC 5737): a caller who says so is making it up.
const MADE_UP: &str = "192.0.2.77";

/// Looks in from outside. `epoch` is the id of the configured database's history, if it has one.
pub(super) async fn examine(config: &Config, epoch: Option<&str>) -> Vec<Finding> {
    let here = here(config).await;
    let runs = here.level == Level::Good;
    let mut findings = vec![here];
    let Some(url) = &config.server.public_url else { return findings };
    let Some(place) = Place::parse(url) else { return findings };
    let outside = match reach(url, &place).await {
        Ok(outside) => outside,
        // Without a server behind it no proxy answers; which of both is missing is told already.
        Err(found) if !runs => {
            findings.push(Finding::warning(CHECK, found.says, "start the server, and ask again"));
            return findings;
        }
        Err(found) => {
            findings.push(found);
            return findings;
        }
    };
    findings.push(Finding::good(CHECK, format!("{url} leads to a server")));
    findings.extend(caller(config, &outside));
    findings.extend(date(url, &outside.1));
    findings.extend(same_history(url, &place, epoch).await);
    findings.push(socket(&place).await);
    findings
}

/// Whether the server runs on this machine.
async fn here(config: &Config) -> Finding {
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            IpAddr::from([0_u16, 0, 0, 0, 0, 0, 0, 1])
        });
    }
    let asked = match Place::parse(&format!("http://{address}")) {
        Some(place) => http::get(&place, "/health", "").await,
        None => return Finding::note("server", "where it listens cannot be told"),
    };
    match asked {
        Ok((_, answer)) if is_palabre(&answer) => Finding::good("server", format!("runs at {address}")),
        Ok(_) => Finding::problem(
            "server",
            format!("something else than Palabre answers at {address}"),
            "stop it, or set server.listen to another address",
        ),
        Err(_) => Finding::note("server", format!("does not run at {address} now")),
    }
}

fn is_palabre(answer: &Answer) -> bool {
    answer.status == 200 && answer.header("x-palabre-caller").is_some()
}

/// Asks for the server's health through the proxy, as somebody who makes up where they come from.
async fn reach(url: &str, place: &Place) -> Result<(IpAddr, Answer), Finding> {
    let forged = format!("X-Forwarded-For: {MADE_UP}\r\n");
    let (own, answer) = http::get(place, "/health", &forged).await.map_err(|error| {
        let cure = "see that the proxy runs, that the name leads to it, that no firewall stands between, and that its \
                    certificate is valid for this name";
        Finding::problem(CHECK, format!("{url}: {error:#}"), cure)
    })?;
    match answer.status {
        _ if is_palabre(&answer) => Ok((own, answer)),
        502..=504 => Err(Finding::problem(
            CHECK,
            format!("{url} is answered by a proxy that reaches no server (status {})", answer.status),
            "let it pass everything on to server.listen",
        )),
        status => Err(Finding::problem(
            CHECK,
            format!("{url}/health is answered with status {status}, and not by Palabre"),
            match place.path() {
                "" => "let the proxy pass every path on to server.listen, its headers included; or correct \
                       server.public_url"
                    .to_owned(),
                path => format!(
                    "let the proxy pass everything below {path}/ on to server.listen, with or without {path}, its \
                     headers included; or correct server.public_url"
                ),
            },
        )),
    }
}

/// Whether the server counts a caller under the caller's address, or everybody under the proxy's.
fn caller(config: &Config, (own, answer): &(IpAddr, Answer)) -> Option<Finding> {
    let seen: IpAddr = answer.header("x-palabre-caller")?.parse().ok()?;
    let trusts = |address: IpAddr| config.server.trusted_proxies.iter().any(|proxy| proxy.contains(address));
    let says = format!("the server counts a caller from {own} under {seen}");
    if seen.to_string() == MADE_UP {
        // Our own address is a trusted proxy's: what it says of others is to be believed.
        if trusts(*own) {
            return Some(Finding::good(CHECK, "X-Forwarded-For comes through and is believed"));
        }
        return Some(Finding::warning(
            CHECK,
            "what a caller says of its own address is believed, so that anybody may claim any and escape the limits",
            "let the proxy append to X-Forwarded-For or replace it, and name nothing but proxies in \
             server.trusted_proxies",
        ));
    }
    Some(if seen == *own {
        Finding::good(CHECK, says)
    } else if trusts(seen) {
        Finding::warning(
            CHECK,
            format!("{says}: X-Forwarded-For does not come through, and all people share one address' limits"),
            "let the proxy send X-Forwarded-For",
        )
    } else if config.server.trusted_proxies.is_empty() {
        Finding::warning(
            CHECK,
            format!("{says}, and server.trusted_proxies is empty: all people share one address' limits"),
            format!(
                "if {seen} is the proxy, set server.trusted_proxies = [\"{seen}\"], and let it send X-Forwarded-For"
            ),
        )
    } else {
        Finding::note(CHECK, format!("{says}; if that is a proxy, add it to server.trusted_proxies"))
    })
}

/// The clock of whoever dated the answer. It counts whole seconds.
fn date(url: &str, answer: &Answer) -> Option<Finding> {
    let date = httpdate::parse_http_date(answer.header("date")?).ok()?;
    let theirs = i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
    let ours = parts::clock()().0;
    Some(clock::compare(&format!("that of {url}"), ours, theirs + (ours - theirs).clamp(0, 999)))
}

/// Whether the server behind the proxy works on the configured database.
async fn same_history(url: &str, place: &Place, epoch: Option<&str>) -> Option<Finding> {
    let epoch = epoch?;
    let (_, answer) = http::get(place, "/v1/server", "").await.ok()?;
    let server: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    let theirs = server["epoch"].as_str()?;
    (theirs != epoch).then(|| {
        Finding::problem(
            CHECK,
            format!("{url} leads to a server with another database than the configured one"),
            "correct the proxy's target or server.public_url; all nodes behind one address use one database",
        )
    })
}

/// A socket: the handshake, an answer to a frame, an answer to a ping.
async fn socket(place: &Place) -> Finding {
    match talk(place).await {
        Ok(millis) => Finding::good(SOCKET, format!("opens, and a frame is answered in {millis:.1} ms")),
        Err(error) => {
            let cure = "let the proxy speak HTTP/1.1 to the server and pass Upgrade, Connection, Host, Origin and \
                        Sec-WebSocket-* on; see docs/operate/behind-a-proxy.md";
            Finding::problem(SOCKET, format!("{}: {error:#}", place.socket("/v1/ws")), cure)
        }
    }
}

async fn talk(place: &Place) -> anyhow::Result<f64> {
    let mut socket = open(place).await?;
    let begin = std::time::Instant::now();
    socket.send(Message::text(r#"{"id":"doctor","type":"server.get","data":{}}"#)).await?;
    let answered =
        within(heard(&mut socket, |frame| frame.as_text().is_some_and(|text| text.contains(r#""re":"doctor""#))));
    answered.await.context("a frame was sent")??;
    let millis = begin.elapsed().as_secs_f64() * 1_000.0;
    socket.send(Message::ping("doctor")).await?;
    within(heard(&mut socket, Message::is_pong)).await.context("a ping was sent")??;
    // It has told what we wanted to know, however it takes the close reason.
    let _gone = within(socket.close()).await;
    Ok(millis)
}

async fn open(place: &Place) -> anyhow::Result<WebSocketStream<Box<dyn Wire>>> {
    let (_, wire) = http::connect(place).await?;
    let header = |value: String| value.parse().context("it cannot stand in a header");
    let builder = ClientBuilder::new()
        .uri(&place.socket("/v1/ws"))?
        .add_header("origin".parse()?, header(place.origin())?)?
        .add_header("sec-websocket-protocol".parse()?, header("palabre.v1".to_owned())?)?;
    let (socket, response) = match within(builder.connect_on(wire)).await? {
        Ok(opened) => opened,
        Err(Error::Upgrade(upgrade::Error::DidNotSwitchProtocols(status))) => {
            bail!("the handshake was answered with status {status} instead of 101: {}", why(status))
        }
        Err(error) => return Err(error).context("the handshake failed"),
    };
    if response.headers().get("sec-websocket-protocol").is_none_or(|protocol| protocol != "palabre.v1") {
        bail!("the subprotocol palabre.v1 was not agreed upon: Sec-WebSocket-Protocol does not come through");
    }
    Ok(socket)
}

fn why(status: u16) -> &'static str {
    match status {
        400 | 426 => "the proxy does not pass Upgrade and Connection on",
        403 => "the server does not allow this page's origin, or the proxy forbids it",
        404 => "the path leads elsewhere",
        429 => "too many came from this address",
        502..=504 => "the proxy reaches no server",
        _ => "somebody between answers in its own name",
    }
}

async fn heard(socket: &mut WebSocketStream<Box<dyn Wire>>, is_it: impl Fn(&Message) -> bool) -> anyhow::Result<()> {
    while let Some(frame) = socket.next().await {
        if is_it(&frame?) {
            return Ok(());
        }
    }
    bail!("the connection was closed instead of an answer")
}
