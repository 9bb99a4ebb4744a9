//! A real nginx and a real Caddy in front of authseal.

mod addresses;
mod caddy;
mod client;
mod front;
pub mod load;
mod long_authids;
pub mod nginx;
mod password;
mod paths;
mod proxy;
mod restart;
mod tls;
mod user_header;

pub use proxy::Proxy;

/// Both.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Nginx,
    Caddy,
}
