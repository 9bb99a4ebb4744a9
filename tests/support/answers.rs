//! What a scripted provider may answer.

use super::Piece;

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
