//! A way between two that can be made bad: slow, held up, cut, or cut just when a commit was to be confirmed.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

use crate::frontend::Frontend;

/// How it is on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weather {
    /// Whether nothing gets through towards the server. As with lost packets, it comes later if the connection
    /// outlives that.
    pub up_held: bool,
    /// Whether nothing gets through towards the caller.
    pub down_held: bool,
    /// Whether new connections are taken and closed at once.
    pub refusing: bool,
    /// How long everything takes, …
    pub delay: Duration,
    /// … and up to how much longer.
    pub jitter: Duration,
    /// How much gets through; 0: as much as can.
    pub bytes_per_second: u64,
}

/// How connections end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// With a close reason.
    #[default]
    Close,
    /// With RST: what was under way is lost.
    Reset,
}

/// A listener that hands everything on.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    cuts: watch::Sender<(u64, Cut)>,
    doubts: Arc<Doubts>,
    task: AbortHandle,
}

/// Commits that are to be left in doubt, and those that were.
#[derive(Debug, Default)]
struct Doubts {
    wanted: AtomicUsize,
    caused: AtomicU64,
}

#[derive(Clone)]
struct Way {
    weather: watch::Receiver<Weather>,
    cuts: watch::Receiver<(u64, Cut)>,
    doubts: Arc<Doubts>,
}

impl Proxy {
    /// A way to a server of this machine.
    ///
    /// # Errors
    /// If no port is free, or the server is elsewhere: this program disturbs nobody else.
    pub async fn to(target: SocketAddr) -> anyhow::Result<Self> {
        anyhow::ensure!(target.ip().is_loopback(), "{target} is not on this machine");
        let listener = TcpListener::bind(testkit::process::free_address()?).await?;
        let address = listener.local_addr()?;
        let (weather, of_weather) = watch::channel(Weather::default());
        let (cuts, of_cuts) = watch::channel((0, Cut::Close));
        let doubts = Arc::new(Doubts::default());
        let way = Way { weather: of_weather, cuts: of_cuts, doubts: Arc::clone(&doubts) };
        let task = tokio::spawn(accept(listener, target, way)).abort_handle();
        Ok(Self { address, weather, cuts, doubts, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather from now on.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Ends all connections.
    pub fn cut(&self, how: Cut) {
        self.cuts.send_modify(|(count, last)| (*count, *last) = (*count + 1, how));
    }

    /// Lets the next commits through and swallows the answer, then ends the connection.
    pub fn leave_in_doubt(&self, commits: usize) {
        self.doubts.wanted.store(commits, Relaxed);
    }

    /// How many commits were left in doubt.
    #[must_use]
    pub fn in_doubt(&self) -> u64 {
        self.doubts.caused.load(Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, way: Way) {
    // Ends all connections when the proxy goes: they are this task's children.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((caller, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if !way.weather.borrow().refusing {
            connections.spawn(serve(caller, target, way.clone()));
        }
    }
}

async fn serve(mut caller: TcpStream, target: SocketAddr, mut way: Way) {
    let begun = way.cuts.borrow_and_update().0;
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    // Delay is the weather's business alone.
    let (_small, _matter) = (caller.set_nodelay(true), server.set_nodelay(true));
    let doubtful = AtomicUsize::new(0);
    let mut cuts = way.cuts.clone();
    let reset = {
        let (from_caller, to_caller) = caller.split();
        let (from_server, to_server) = server.split();
        let up = up(from_caller, to_server, way.clone(), &doubtful);
        let down = down(from_server, to_caller, way.clone(), &doubtful);
        tokio::select! {
            _ended = up => false,
            ended = down => ended.is_ok_and(|doubt| doubt),
            cut = cuts.wait_for(|(count, _)| *count != begun) => cut.is_ok_and(|cut| cut.1 == Cut::Reset),
        }
    };
    if reset {
        let (_caller, _server) = (caller.set_zero_linger(), server.set_zero_linger());
    }
}

async fn up(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut way: Way, doubtful: &AtomicUsize) -> io::Result<()> {
    let (mut buffer, mut frontend) = (vec![0; 16 * 1024], Frontend::default());
    loop {
        let count = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        let wanted = way.doubts.wanted.load(Relaxed) > 0;
        if frontend.commits(bytes) && wanted {
            let one_less = |wanted: usize| wanted.checked_sub(1);
            if way.doubts.wanted.fetch_update(Relaxed, Relaxed, one_less).is_ok() {
                doubtful.store(1, Relaxed);
            }
        }
        way.pass(count, |weather| weather.up_held).await;
        to.write_all(bytes).await?;
    }
}

/// Ends with `true` when an answer was swallowed.
async fn down(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut way: Way, doubtful: &AtomicUsize) -> io::Result<bool> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
        if doubtful.load(Relaxed) > 0 {
            way.doubts.caused.fetch_add(1, Relaxed);
            return Ok(true);
        }
        way.pass(count, |weather| weather.down_held).await;
        to.write_all(bytes).await?;
    }
}

impl Way {
    /// Waits as the weather has it.
    async fn pass(&mut self, bytes: usize, held: impl Fn(&Weather) -> bool) {
        let Ok(weather) = self.weather.wait_for(|weather| !held(weather)).await.map(|weather| *weather) else {
            return;
        };
        let mut wait = weather.delay;
        let most = u64::try_from(weather.jitter.as_nanos()).unwrap_or(u64::MAX);
        if most > 0 {
            let mut dice = testkit::dice::Dice(bytes as u64 ^ wait.as_nanos() as u64);
            wait += Duration::from_nanos(dice.between(0, most));
        }
        if weather.bytes_per_second > 0 {
            wait += Duration::from_secs_f64(bytes as f64 / weather.bytes_per_second as f64);
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}
