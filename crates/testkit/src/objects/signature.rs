//! AWS Signature Version 4, from the server's side: the signature is computed anew from what arrived and the secret
//! that both sides know, and compared.

use sha2::{Digest, Sha256};

use super::request::Request;

const BLOCK_BYTES: usize = 64;

/// Whether the request bears the signature of this access key.
pub fn is_right(request: &Request, key_id: &str, secret: &str) -> bool {
    expected(request, key_id, secret).is_some_and(|(signature, sent)| signature == sent)
}

/// The signature that the request should bear, and the one that it bears.
fn expected(request: &Request, key_id: &str, secret: &str) -> Option<(String, String)> {
    let fields = request.authorization.as_deref()?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let (credential, signed, sent) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let scope = credential.strip_prefix(key_id)?.strip_prefix('/')?;
    let canonical = canonical(request, &signed)?;
    let moment = request.header("x-amz-date")?;
    let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part.as_bytes());
    }
    Some((hex::encode(hmac(&key, to_sign.as_bytes())), sent))
}

/// The request in the form that is signed.
fn canonical(request: &Request, signed: &str) -> Option<String> {
    let mut parameters: Vec<_> =
        request.parameters().iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    parameters.sort();
    let mut headers = String::new();
    for name in signed.split(';') {
        headers.push_str(&format!("{name}:{}\n", request.header(name)?));
    }
    let body = request.header("x-amz-content-sha256")?;
    let (method, path, query) = (&request.method, request.path(), parameters.join("&"));
    Some(format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{body}"))
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// HMAC with SHA-256, as RFC 2104 defines it.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK_BYTES];
    let short = if key.len() > BLOCK_BYTES { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block[..short.len()].copy_from_slice(&short);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_as_rfc_4231_says() {
        let mac = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex::encode(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
