//! Sealing: credentials are kept as AES-256-GCM whose additional data binds tenant, table, row and column, so that a
//! sealed value moved elsewhere cannot be opened.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hmac::{Hmac, Mac};
use pilothouse_domain::canonical::sha256;
use pilothouse_domain::{Code, Ids};
use sha2::Sha256;

use crate::Error;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of the nonce that stands before each sealed text.
const NONCE_BYTES: usize = 12;

/// Where a sealed value stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The tenant's id.
    pub tenant: &'a str,
    /// The table.
    pub table: &'a str,
    /// The row's id.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

impl Place<'_> {
    fn bytes(self) -> Vec<u8> {
        // Each part is preceded by its length, so that no two places have the same bytes.
        let mut bytes = Vec::new();
        for part in [self.tenant, self.table, self.row, self.column] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// Seals and opens with one key.
pub struct Sealer {
    cipher: Aes256Gcm,
    marking: Hmac<Sha256>,
    key_id: String,
}

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let key_id = hex::encode(&sha256(key)[..4]);
        // A key of its own, so that nothing made with the one says anything of the other.
        let own = sha256(&[b"marks of secrets".as_slice(), key].concat());
        let mut block = [0; 64];
        block[..own.len()].copy_from_slice(&own);
        let marking = Hmac::new(&block.into());
        Self { cipher: Aes256Gcm::new(key.into()), marking, key_id }
    }

    /// The key's id: it tells keys apart and nothing about them.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// A mark of a secret: the same secret has the same one, and without the key nobody can try which it is of.
    pub fn mark(&self, secret: &[u8]) -> String {
        let mut marking = self.marking.clone();
        marking.update(secret);
        hex::encode(&marking.finalize().into_bytes()[..16])
    }

    /// Seals `plain` for `place`.
    pub fn seal(&self, ids: &dyn Ids, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_BYTES];
        ids.secret(&mut nonce);
        let payload = Payload { msg: plain, aad: &place.bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::new(Code::Internal, "The credentials could not be sealed."))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `place` with the key `key_id`.
    pub fn open(&self, place: Place<'_>, key_id: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let unreadable = || {
            let message = format!(
                "The stored credentials were sealed with the key {key_id} and cannot be opened with {}.",
                self.key_id
            );
            Error::new(Code::CredentialsUnreadable, message)
        };
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(unreadable)?;
        let payload = Payload { msg: sealed, aad: &place.bytes() };
        self.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| unreadable())
    }
}

/// Reads a key: 64 hexadecimal digits, or base64 of 32 bytes (either alphabet).
pub fn parse_key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let text = text.trim();
    let bytes = hex::decode(text).ok().or_else(|| STANDARD.decode(text).ok()).or_else(|| URL_SAFE.decode(text).ok())?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemIds;
    use proptest::prelude::*;

    const HERE: Place<'static> = Place { tenant: "a", table: "connections", row: "1", column: "sealed" };

    proptest! {
        #[test]
        fn what_is_sealed_opens_here_and_nowhere_else(plain in prop::collection::vec(any::<u8>(), 0..200)) {
            let sealer = Sealer::new(&[7; 32]);
            let sealed = sealer.seal(&SystemIds, HERE, &plain).unwrap();
            prop_assert_eq!(sealer.open(HERE, sealer.key_id(), &sealed).unwrap(), plain);
            for place in [
                Place { tenant: "b", ..HERE }, Place { table: "x", ..HERE },
                Place { row: "2", ..HERE }, Place { column: "y", ..HERE },
            ] {
                prop_assert!(sealer.open(place, sealer.key_id(), &sealed).is_err());
            }
            prop_assert!(Sealer::new(&[8; 32]).open(HERE, sealer.key_id(), &sealed).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(sealed in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Sealer::new(&[7; 32]).open(HERE, "x", &sealed).is_err());
        }
    }

    #[test]
    fn a_mark_tells_secrets_and_keys_apart() {
        let sealer = Sealer::new(&[7; 32]);
        assert_eq!(sealer.mark(b"hunter2"), sealer.mark(b"hunter2"));
        assert_ne!(sealer.mark(b"hunter2"), sealer.mark(b"hunter3"));
        assert_ne!(sealer.mark(b"hunter2"), Sealer::new(&[8; 32]).mark(b"hunter2"));
    }

    #[test]
    fn keys_are_read_in_three_spellings() {
        let key = [255_u8; 32];
        for text in [hex::encode(key), STANDARD.encode(key), URL_SAFE.encode(key)] {
            assert_eq!(parse_key(&text), Some(key));
        }
        assert_eq!(parse_key("too short"), None);
    }
}
