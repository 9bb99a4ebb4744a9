//! Writes AuthIDs, one a line, each of another login and with another refresh
//! token.
//!
//!     make-authids KEY_FILE COUNT SERVICE TOKEN_CHARACTERS

use std::{
    fs,
    io::{self, BufWriter, Write},
};

use authseal::{clock::Clock, seal::seal};
use authseal_benches::{arguments, expect, grant, keyring};

fn main() -> io::Result<()> {
    let mut arguments = arguments();
    let key_file: String = expect(&mut arguments, "KEY_FILE");
    let count: u32 = expect(&mut arguments, "COUNT");
    let service: String = expect(&mut arguments, "SERVICE");
    let token_characters: usize = expect(&mut arguments, "TOKEN_CHARACTERS");

    let keyring = keyring(&fs::read_to_string(key_file)?).map_err(io::Error::other)?;
    let (keys, now) = (keyring.current(), Clock::system().now());
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..count {
        let grant = grant(&service, token_characters, now);
        let authid = seal(&keys, now, &grant).map_err(io::Error::other)?;
        writeln!(out, "{}", authid.expose())?;
    }
    out.flush()
}
