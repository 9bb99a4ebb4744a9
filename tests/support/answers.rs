//! What a scripted provider may answer.

use tokio::sync::watch;

/// A part of an answer. After the last one the connection is closed.
#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    /// Nothing more until the gate opens.
    Wait(Gate),
    /// Nothing more, ever, on an open connection.
    Silence,
    /// This many bytes, or as many as are read.
    Flood(u64),
}

/// Holds answers back until a test opens it.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub async fn opened(&self) {
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

/// A whole answer with this status line and more header lines.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<Piece> {
    let length = body.len();
    vec![Piece::Text(format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    ))]
}

/// JSON with this status line.
pub fn json(status: &str, body: &str) -> Vec<Piece> {
    answer(status, "Content-Type: application/json\r\n", body)
}

/// A good token answer, with a refresh token where there is one.
pub fn tokens(access_token: &str, refresh_token: Option<&str>) -> Vec<Piece> {
    let mut body = serde_json::json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": 3600,
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = refresh_token.into();
    }
    json("200 OK", &body.to_string())
}
