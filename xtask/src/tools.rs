//! Programs that the tests use and a machine may lack.

use anyhow::{Context as _, bail, ensure};

use crate::{
    postgres::is_root,
    shell::{command, succeed, works},
};

/// Sees to it that a program of Debian's package of the same name is there.
pub fn require(program: &str, may_install: bool) -> anyhow::Result<()> {
    if works(command(program).arg("--version")) {
        return Ok(());
    }
    let advice = format!("{program} is missing; install it with: apt-get update && apt-get install -y {program}");
    if !may_install || !is_root() || !works(command("apt-get").arg("--version")) {
        bail!(advice);
    }
    println!("installing {program} from Debian's packages");
    let mut install = command("apt-get");
    install.args(["install", "-y", "--no-install-recommends", program, "ca-certificates"]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    succeed(command("apt-get").arg("update")).and_then(|()| succeed(&mut install)).context(advice)?;
    ensure!(works(command(program).arg("--version")), "{program} was installed, but it does not run");
    Ok(())
}
