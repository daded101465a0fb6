//! How much processor time programs have used, as Linux counts it.

use std::{fs, process::Child, time::Duration};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// What Linux counts processor time in, on every architecture that programs see: a hundredth of a second.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of this process and of all its children that have ended, theirs included. Zero where it is not
/// known: it is only told.
pub fn of_this_process() -> Duration {
    used("self").unwrap_or_default()
}

/// Waits until a child has ended, but leaves its status to [`Child::wait`]. Returns its processor time and that of all
/// its children that had ended before.
///
/// # Errors
/// If it cannot be waited for.
pub fn of_ended(child: &Child) -> anyhow::Result<Duration> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("the child has no id")?;
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(used(&child.id().to_string()).unwrap_or_default()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => bail!("the child cannot be waited for: {error}"),
        }
    }
}

fn used(process: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may hold anything, ends with the last bracket; the state is the first field behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    // By proc(5): user and system time of its own, then those of its children.
    let ticks = fields.split_whitespace().skip(11).take(4).map(|field| field.parse::<u32>().ok());
    Some(TICK * ticks.sum::<Option<u32>>()?)
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::{of_ended, of_this_process};

    #[test]
    fn a_child_that_computes_is_counted_and_one_that_sleeps_is_not() {
        let run = |script: &str| {
            let mut child = Command::new("sh").args(["-c", script]).spawn().expect("a shell");
            let used = of_ended(&child).expect("its time");
            assert!(child.wait().expect("its end").success());
            used
        };
        // A grandchild counts as well: the first shell waits for the second.
        let busy = run("sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'; true");
        assert!(busy >= Duration::from_millis(20), "{busy:?}");
        let idle = run("sleep 0.3");
        assert!(idle < busy, "{idle:?} against {busy:?}");
        assert!(of_this_process() >= busy);
    }
}
