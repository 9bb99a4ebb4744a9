//! Writes what AES Crypt reads: stream format 2, no extension.

use openssl::symm::{Cipher, Crypter, Mode};
use ring::{
    digest::{SHA256, digest},
    hmac,
};

/// An AES Crypt file.
pub fn aes_crypt(content: &[u8], passphrase: &str) -> Vec<u8> {
    let (outer_iv, iv, key) = ([7; 16], [8; 16], [9; 32]);
    let passphrase: Vec<u8> = passphrase
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut outer_key = [&outer_iv[..], &[0; 16]].concat();
    for _ in 0..8192 {
        let hashed = [&outer_key[..], &passphrase].concat();
        outer_key = digest(&SHA256, &hashed).as_ref().to_vec();
    }
    let keys = encrypt(&outer_key, &outer_iv, &[&iv[..], &key].concat());
    let mut padded = content.to_vec();
    padded.resize(content.len().next_multiple_of(16), 0);
    let sealed = encrypt(&key, &iv, &padded);
    let remainder = [u8::try_from(content.len() % 16).unwrap()];
    [
        b"AES\x02\0\0\0",
        &outer_iv[..],
        &keys,
        &tag(&outer_key, &keys),
        &sealed,
        &remainder,
        &tag(&key, &sealed),
    ]
    .concat()
}

fn tag(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, data).as_ref().to_vec()
}

fn encrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
    let mut crypter = Crypter::new(Cipher::aes_256_cbc(), Mode::Encrypt, key, Some(iv)).unwrap();
    crypter.pad(false);
    let mut sealed = vec![0; data.len() + 16];
    let mut length = crypter.update(data, &mut sealed).unwrap();
    length += crypter.finalize(&mut sealed[length..]).unwrap();
    sealed.truncate(length);
    sealed
}
