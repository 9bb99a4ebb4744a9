//! What both test binaries need: an authseal with a provider, and a browser made
//! of plain requests.

mod http;
mod test_app;

pub use http::{Answer, get, header, post_form, send};
pub use test_app::{APPLICATIONS, TestApp, TestAppBuilder};
