//! Who is sending (RFC 8292): each request to a push service is signed with the server's own key. A device subscribes for
//! this key alone, so nobody else can send to it, even if they learn its address.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    error::Unspecified,
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use url::Url;

/// The label from which, with the server's secret, the key is derived; nothing else is derived with this label.
const LABEL: &str = "palabre key of web push";
/// How long a signature is good, in seconds. A day is the most that push services take.
const GOOD_FOR: i64 = 12 * 3_600;
/// A derived scalar is no key once in some four billion times; then the next one is taken.
const TRIES: u8 = 8;

/// The server's key for push services.
pub struct Vapid {
    pair: EcdsaKeyPair,
    public: String,
    contact: Option<String>,
}

impl Vapid {
    /// The key that follows from the server's secret: alike on all nodes, and after a restore. `contact` is a `mailto:` or
    /// `https:` address at which a push service's operator may complain.
    ///
    /// # Errors
    /// If no key follows from it.
    pub fn from_secret(secret: &[u8], contact: Option<&str>) -> Result<Self, Unspecified> {
        let derives = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let scalars = (0..TRIES).map(|count| hmac::sign(&derives, &[LABEL.as_bytes(), &[count]].concat()));
        scalars.into_iter().find_map(|scalar| Self::from_scalar(scalar.as_ref(), contact).ok()).ok_or(Unspecified)
    }

    fn from_scalar(scalar: &[u8], contact: Option<&str>) -> Result<Self, Unspecified> {
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar).map_err(|_| Unspecified)?;
        let public = private.compute_public_key()?;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, scalar, public.as_ref());
        Ok(Self {
            pair: pair.map_err(|_| Unspecified)?,
            public: URL_SAFE_NO_PAD.encode(public.as_ref()),
            contact: contact.map(str::to_owned),
        })
    }

    /// The public key in base64url, in uncompressed form.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The `Authorization` header for a push service. `now` is in seconds since 1970.
    pub(crate) fn authorization(&self, endpoint: &Url, now: i64) -> Result<String, Unspecified> {
        let mut claims = json!({ "aud": endpoint.origin().ascii_serialization(), "exp": now + GOOD_FOR });
        if let (Some(contact), Some(claims)) = (&self.contact, claims.as_object_mut()) {
            claims.insert("sub".into(), contact.clone().into());
        }
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.as_ref()), self.public))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    fn vapid(contact: Option<&str>) -> Vapid {
        Vapid::from_secret(b"some secret of thirty-two bytes..", contact).expect("a key")
    }

    #[test]
    fn the_key_is_always_the_same_and_another_with_another_secret() {
        assert_eq!(vapid(None).public_key(), vapid(None).public_key());
        assert_eq!(vapid(None).public_key().len(), 87);
        let other = Vapid::from_secret(b"another secret of thirty-two bytes", None).expect("a key");
        assert_ne!(vapid(None).public_key(), other.public_key());
    }

    #[test]
    fn a_request_is_signed_for_its_push_service_and_for_less_than_a_day() {
        let vapid = vapid(Some("mailto:admin@example.org"));
        let endpoint = Url::parse("https://push.example.org:8443/secret/path").expect("a URL");
        let said = vapid.authorization(&endpoint, 1_000_000).expect("it is signed");
        let (token, key) = said.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("two parts");
        assert_eq!(key, vapid.public_key());
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decoded(key))
            .verify(signed.as_bytes(), &decoded(signature))
            .expect("the signature is good");
        let claims: Value =
            serde_json::from_slice(&decoded(signed.split_once('.').expect("two parts").1)).expect("JSON");
        assert_eq!(
            claims,
            json!({ "aud": "https://push.example.org:8443", "exp": 1_043_200, "sub": "mailto:admin@example.org" })
        );
    }
}
