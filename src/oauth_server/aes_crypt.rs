//! Decrypts AES Crypt files, stream format 2
//! (<https://www.aescrypt.com/aes_stream_format.html>), in which Duplicati's oauth-server
//! keeps its secrets and tokens. Files are only read, never written. The existing crates
//! for the format are release candidates or bring their own ciphers; this module uses
//! those of OpenSSL and ring.

use openssl::symm::{Cipher, Crypter, Mode};
use ring::{
    digest::{self, Context},
    hmac,
};
use thiserror::Error;
use zeroize::Zeroizing;

/// Number of hash rounds that turn the passphrase into a key.
const HASHES: u32 = 8192;
const BLOCK: usize = 16;
const HMAC: usize = 32;

/// A file could not be decrypted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AesCryptError {
    /// The file does not start like an AES Crypt file.
    #[error("is no AES Crypt file")]
    NotOne,
    /// The file has another format version.
    #[error("is an AES Crypt file of format {0}; only format 2 can be read")]
    Format(u8),
    /// The file ends too early.
    #[error("is cut short")]
    CutShort,
    /// The passphrase is wrong, or the first hundred bytes of the file were changed.
    #[error("does not open with this passphrase")]
    WrongPassphrase,
    /// The passphrase is right, but the content was changed.
    #[error("is damaged")]
    Damaged,
}

/// Decrypts a whole file. Nothing in it is used before its HMAC is verified, except the
/// content's length modulo 16, which the format does not authenticate.
pub fn open(file: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, AesCryptError> {
    let mut rest = body(file)?;
    let outer_iv = take(&mut rest, BLOCK)?;
    let sealed_keys = take(&mut rest, BLOCK + 32)?;
    let keys_tag = take(&mut rest, HMAC)?;
    let content_length = rest.len().checked_sub(1 + HMAC);
    let content_length = content_length.filter(|length| length % BLOCK == 0);
    let content = take(&mut rest, content_length.ok_or(AesCryptError::CutShort)?)?;
    let remainder = usize::from(take(&mut rest, 1)?[0] % 16);

    let outer_key = stretch(passphrase, outer_iv);
    verify(
        &*outer_key,
        sealed_keys,
        keys_tag,
        AesCryptError::WrongPassphrase,
    )?;
    let keys = decrypt(&*outer_key, outer_iv, sealed_keys)?;
    let (iv, key) = keys.split_at(BLOCK);
    verify(key, content, rest, AesCryptError::Damaged)?;
    let mut plaintext = decrypt(key, iv, content)?;
    if remainder > 0 {
        let padding = BLOCK - remainder;
        let length = plaintext.len().checked_sub(padding);
        plaintext.truncate(length.ok_or(AesCryptError::Damaged)?);
    }
    Ok(plaintext)
}

/// Returns the part after the header and its extensions.
fn body(file: &[u8]) -> Result<&[u8], AesCryptError> {
    let mut rest = file.strip_prefix(b"AES").ok_or(AesCryptError::NotOne)?;
    match take(&mut rest, 2)? {
        [2, _] => {}
        [format, _] => return Err(AesCryptError::Format(*format)),
        _ => return Err(AesCryptError::CutShort),
    }
    loop {
        let length = take(&mut rest, 2)?;
        match u16::from_be_bytes([length[0], length[1]]) {
            0 => return Ok(rest),
            length => take(&mut rest, length.into())?,
        };
    }
}

fn take<'f>(rest: &mut &'f [u8], length: usize) -> Result<&'f [u8], AesCryptError> {
    let (taken, behind) = rest
        .split_at_checked(length)
        .ok_or(AesCryptError::CutShort)?;
    *rest = behind;
    Ok(taken)
}

fn stretch(passphrase: &str, iv: &[u8]) -> Zeroizing<[u8; 32]> {
    let passphrase: Zeroizing<Vec<u8>> = Zeroizing::new(
        passphrase
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
    );
    let mut key = Zeroizing::new([0; 32]);
    key[..BLOCK].copy_from_slice(iv);
    for _ in 0..HASHES {
        let mut hash = Context::new(&digest::SHA256);
        hash.update(&*key);
        hash.update(&passphrase);
        key.copy_from_slice(hash.finish().as_ref());
    }
    key
}

fn verify(key: &[u8], data: &[u8], tag: &[u8], error: AesCryptError) -> Result<(), AesCryptError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::verify(&key, data, tag).map_err(|_| error)
}

/// Decrypts AES-256-CBC without padding.
fn decrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, AesCryptError> {
    let mut plaintext = Zeroizing::new(vec![0; data.len() + BLOCK]);
    let length = Crypter::new(Cipher::aes_256_cbc(), Mode::Decrypt, key, Some(iv)).and_then(
        |mut crypter| {
            crypter.pad(false);
            let length = crypter.update(data, &mut plaintext)?;
            Ok(length + crypter.finalize(&mut plaintext[length..])?)
        },
    );
    plaintext.truncate(length.map_err(|_| AesCryptError::Damaged)?);
    Ok(plaintext)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    const PASSPHRASE: &str = "pass phrase \u{e9}";
    const CONTENT: &[u8] = br#"{"GD_CLIENT_ID":"id","GD_CLIENT_SECRET":"never-print-this"}"#;

    /// A file made with pyAesCrypt 6.1.1.
    fn file() -> Vec<u8> {
        STANDARD
            .decode(include_str!("aes_crypt/sample.base64").trim())
            .unwrap()
    }

    #[test]
    fn what_another_program_wrote_opens() {
        assert_eq!(*open(&file(), PASSPHRASE).unwrap(), CONTENT);
    }

    #[test]
    fn an_extension_is_passed_over() {
        let file = file();
        let placeholder = [&file[..5], &[0, 3], b"abc", &[0, 0]].concat();
        let at = body(&file).unwrap();
        let with_another = [&placeholder[..], at].concat();
        assert_eq!(*open(&with_another, PASSPHRASE).unwrap(), CONTENT);
    }

    #[test]
    fn every_cut_and_every_change_is_noticed() {
        let file = file();
        for length in 0..file.len() {
            assert!(open(&file[..length], PASSPHRASE).is_err(), "{length}");
        }
        let content = file.len() - body(&file).unwrap().len();
        // Parts that the format does not authenticate: its reserved byte, the extensions,
        // the length.
        let last = file.len() - HMAC - 1;
        for at in (0..file.len()).filter(|at| *at == 0 || (content..last).contains(at)) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&changed, PASSPHRASE).is_err(), "{at}");
        }
        assert_eq!(open(&file, "else"), Err(AesCryptError::WrongPassphrase));
        assert_eq!(open(b"{}", PASSPHRASE), Err(AesCryptError::NotOne));
        assert_eq!(open(b"AES\x03\0\0\0", ""), Err(AesCryptError::Format(3)));
        assert_eq!(open(&file[..40], PASSPHRASE), Err(AesCryptError::CutShort));
        let mut changed = file.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open(&changed, PASSPHRASE), Err(AesCryptError::Damaged));
    }
}
