//! Subscribers who read slowly or not at all, and what that costs.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result};
use futures_util::SinkExt as _;
use serde_json::json;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};
use tokio_websockets::{ClientBuilder, Message};

use crate::{shell::resident, topology::Topology, town::Town};

/// What slow readers cost.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct SlowFigures {
    /// How many there were.
    pub readers: usize,
    /// How much more memory the node held at most meanwhile, in bytes.
    pub memory: u64,
}

/// Has slow readers on the first node for a while: every second reads nothing, the others 1 KiB a second.
///
/// # Errors
/// If they cannot connect.
pub async fn read_slowly(topology: &Topology, town: &Town, readers: usize, time: Duration) -> Result<SlowFigures> {
    let node = topology.nodes.first().context("there is no node")?;
    let (address, pid) = (node.process.address(), node.process.id().context("the node does not run")?);
    let before = resident(pid);
    let mut all = JoinSet::new();
    for index in 0..readers {
        let person = town.people.get(index % town.people.len()).context("nobody lives here")?;
        let socket = connect(address, &person.token).await?;
        all.spawn(listen(socket, index % 2 == 0));
    }
    let (begin, mut most) = (tokio::time::Instant::now(), before);
    while begin.elapsed() < time {
        most = most.max(resident(pid));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(SlowFigures { readers, memory: most.saturating_sub(before) })
}

async fn connect(address: SocketAddr, token: &str) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // Otherwise the system reads on their behalf for a long time.
    socket.set_recv_buffer_size(4_096)?;
    let stream = socket.connect(address).await?;
    let uri = format!("ws://{address}/v1/ws");
    let (mut socket, _) = ClientBuilder::new().uri(&uri)?.connect_on(stream).await?;
    let hello = json!({"id": "1", "type": "authenticate", "data": {"token": token}}).to_string();
    socket.send(Message::text(hello)).await?;
    Ok(socket.into_inner())
}

async fn listen(mut stream: TcpStream, deaf: bool) {
    let mut buffer = vec![0; 1_024];
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Being sent away is what may happen to them.
        if !deaf && !stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {
            return;
        }
    }
}
