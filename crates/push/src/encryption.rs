//! How a message is encrypted for one device (RFC 8291, with the coding of RFC 8188): with a key that is made for this
//! message alone, so that neither the push service nor whoever learns another message's key can read it.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hmac, rand,
};

const SALT_LENGTH: usize = 16;
/// The size of a record. A message is one, and far smaller.
const RECORD_SIZE: u32 = 4_096;
/// The longest text that every push service must take (RFC 8030, section 7.2): the record without its header and its
/// tag.
const LONGEST: usize = 3_993;
/// The byte that ends the last record's text.
const END: u8 = 2;

/// Whether these bytes are a point of P-256, in uncompressed form.
pub(crate) fn is_point(bytes: &[u8]) -> bool {
    bytes.first() == Some(&4) && PrivateKey::generate(&ECDH_P256).is_ok_and(|own| shared(&own, bytes).is_ok())
}

/// Encrypts a text for the device with this public key and this secret.
pub(crate) fn encrypt(device: &[u8], secret: &[u8], text: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut salt = [0; SALT_LENGTH];
    rand::fill(&mut salt)?;
    encrypt_with(&PrivateKey::generate(&ECDH_P256)?, salt, device, secret, text)
}

fn encrypt_with(
    own: &PrivateKey,
    salt: [u8; SALT_LENGTH],
    device: &[u8],
    secret: &[u8],
    text: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    if text.len() > LONGEST {
        return Err(Unspecified);
    }
    let public = own.compute_public_key()?;
    let key_info = [b"WebPush: info\0", device, public.as_ref()].concat();
    let input = derived(&derived(secret, &shared(own, device)?), &[&key_info[..], &[1]].concat());
    let prk = derived(&salt, &input);
    let key = derived(&prk, b"Content-Encoding: aes128gcm\0\x01");
    let nonce = derived(&prk, b"Content-Encoding: nonce\0\x01");
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.get(..16).ok_or(Unspecified)?)?);
    let nonce = Nonce::try_assume_unique_for_key(nonce.get(..12).ok_or(Unspecified)?)?;
    let mut record = [text, &[END]].concat();
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record)?;
    let length = u8::try_from(public.as_ref().len()).map_err(|_| Unspecified)?;
    Ok([&salt[..], &RECORD_SIZE.to_be_bytes(), &[length], public.as_ref(), &record].concat())
}

/// The secret that both sides know: the device with its own private key, we with ours.
fn shared(own: &PrivateKey, device: &[u8]) -> Result<Vec<u8>, Unspecified> {
    agree(own, UnparsedPublicKey::new(&ECDH_P256, device), Unspecified, |shared| Ok(shared.to_vec()))
}

/// A step of HKDF with SHA-256: its extraction, and its expansion where one block is enough.
fn derived(key: &[u8], input: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let own = PrivateKey::from_private_key(&ECDH_P256, &bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"));
        let device = bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes");
        let encrypted = encrypt_with(
            &own.expect("a key"),
            salt,
            &device,
            &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            b"When I grow up, I want to be a watermelon",
        );
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                        EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(encrypted.map(|it| URL_SAFE_NO_PAD.encode(it)).as_deref(), Ok(expected));
    }

    #[test]
    fn no_two_messages_are_encrypted_alike_and_none_is_longer_than_push_services_take() {
        let device = PrivateKey::generate(&ECDH_P256).and_then(|key| key.compute_public_key()).expect("a key");
        let encrypt = |text: &[u8]| encrypt(device.as_ref(), &[7; 16], text);
        assert_ne!(encrypt(b"hello"), encrypt(b"hello"));
        assert_eq!(encrypt(&[0; LONGEST]).expect("it is taken").len(), 4_096);
        assert!(encrypt(&[0; LONGEST + 1]).is_err());
    }
}
