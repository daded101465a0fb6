//! Programs that the tests need and a machine may lack.

use anyhow::{Context as _, bail, ensure};

use crate::{
    postgres::is_root,
    shell::{command, succeed, works},
};

/// Checks that a program is installed, or installs Debian's package of the same name.
pub fn require(program: &str, may_install: bool) -> anyhow::Result<()> {
    require_from(program, program, "--version", may_install)
}

/// The same for a program of another package, or one that answers to another flag.
pub fn require_from(package: &str, program: &str, flag: &str, may_install: bool) -> anyhow::Result<()> {
    if works(command(program).arg(flag)) {
        return Ok(());
    }
    install(package, may_install)?;
    ensure!(works(command(program).arg(flag)), "{program} was installed, but it does not run");
    Ok(())
}

/// Installs one of Debian's packages.
pub fn install(package: &str, may_install: bool) -> anyhow::Result<()> {
    let advice = format!("{package} is missing; install it with: apt-get update && apt-get install -y {package}");
    if !may_install || !is_root() || !works(command("apt-get").arg("--version")) {
        bail!(advice);
    }
    println!("installing {package} from Debian's packages");
    let mut install = command("apt-get");
    install.args(["install", "-y", "--no-install-recommends", package, "ca-certificates"]);
    // The package must not start its servers: the tests start their own.
    install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    succeed(command("apt-get").arg("update")).and_then(|()| succeed(&mut install)).context(advice)
}
