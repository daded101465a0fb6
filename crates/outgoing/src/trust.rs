//! Which certificates are believed: those of the authorities that the machine trusts.

use std::sync::{Arc, OnceLock};

use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs},
};

use crate::Error;

/// Reads the authorities when they are first needed.
#[derive(Default)]
pub(crate) struct Trust(OnceLock<Option<Arc<ClientConfig>>>);

impl Trust {
    /// The connector that makes a TLS connection of a plain one.
    pub(crate) fn connector(&self) -> Result<TlsConnector, Error> {
        let known = self.0.get_or_init(read).clone();
        let none = || Error::Tls("this machine trusts no certificate authority; install ca-certificates".to_owned());
        Ok(TlsConnector::from(known.ok_or_else(none)?))
    }
}

fn read() -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let (good, _unreadable) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if good == 0 {
        tracing::warn!("this machine trusts no certificate authority, so no https request can be made");
        return None;
    }
    // Named, because a program that has two providers has no default one.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().ok()?;
    Some(Arc::new(versions.with_root_certificates(roots).with_no_client_auth()))
}
