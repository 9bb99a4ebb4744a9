//! Writes AuthIDs, one a line, each of another login and with another refresh
//! token.
//!
//!     make-authids KEY_FILE COUNT SERVICE TOKEN_CHARACTERS

use std::{
    fs,
    io::{self, BufWriter, Write},
};

use authseal::{
    clock::Clock,
    keyring::{KeySource, Keyring},
    seal::{Grant, Lineage, seal},
    secret::Secret,
};
use authseal_benches::{arguments, expect, random_token};

fn main() -> io::Result<()> {
    let mut arguments = arguments();
    let key_file: String = expect(&mut arguments, "KEY_FILE");
    let count: u32 = expect(&mut arguments, "COUNT");
    let service: String = expect(&mut arguments, "SERVICE");
    let token_characters: usize = expect(&mut arguments, "TOKEN_CHARACTERS");

    let set = format!("{{\"keys\":[{}]}}", fs::read_to_string(key_file)?);
    let keyring = Keyring::load(KeySource::Inline(Secret::new(set))).map_err(io::Error::other)?;
    let (keys, now) = (keyring.current(), Clock::system().now());
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..count {
        let grant = Grant {
            service: service.clone(),
            refresh_token: Secret::new(random_token(token_characters)),
            issued_at: now,
            lineage: Lineage::random(),
            generation: 0,
            region: None,
            ancestry: Default::default(),
        };
        let authid = seal(&keys, now, &grant).map_err(io::Error::other)?;
        writeln!(out, "{}", authid.expose())?;
    }
    out.flush()
}
