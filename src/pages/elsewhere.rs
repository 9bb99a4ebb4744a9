//! The pages by which an AuthID gets to another machine.

use std::fmt::Write;

use askama::Template;
use qrcode::{Color, EcLevel, QrCode};

use super::{FAVICON_PATH, Frame, Markup, SCRIPT_PATH, STYLE_PATH};

/// A page with a one-time code. Serve it with `Cache-Control: no-store`.
#[derive(Template)]
#[template(path = "elsewhere.html")]
pub struct ElsewherePage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Name of the service of the AuthID.
    pub service_name: &'a str,
    /// Command that fetches the AuthID.
    pub command: String,
    /// Address of the page that takes the code, with the code.
    pub link: String,
    /// Validity of the code in minutes.
    pub minutes: u64,
}

/// A form for a one-time code.
#[derive(Debug, Template)]
#[template(path = "collect.html")]
pub struct CollectPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Error of the last attempt.
    pub problem: Option<Markup>,
}

/// Width of the white edge around a QR code, in modules (ISO/IEC 18004).
const EDGE: usize = 4;

/// A QR code as an SVG draws it.
struct QrDrawing {
    /// Width and height, with the edge.
    size: usize,
    /// Path of horizontal lines, each one module high.
    path: String,
}

impl ElsewherePage<'_> {
    /// Draws the link; `None` if it is too long for a code.
    fn drawing(&self) -> Option<QrDrawing> {
        let code = QrCode::with_error_correction_level(&self.link, EcLevel::L).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|left, right| left == right) {
                if run[0] == Color::Dark {
                    let (left, top) = (x + EDGE, y + EDGE);
                    write!(path, "M{left} {top}.5h{}", run.len())
                        .expect("writing to a String cannot fail");
                }
                x += run.len();
            }
        }
        Some(QrDrawing {
            size: width + 2 * EDGE,
            path,
        })
    }
}
