//! pCloud: <https://docs.pcloud.com/methods/oauth_2.0/>.

use serde_json::json;

use super::{
    Answer, Books, Call, Family, Reply,
    books::{ClientSecret, Pkce},
};

pub const FAMILY: Family = Family {
    provider: "pcloud",
    answer,
    tables,
};

/// Its place is an API host, and the emulator is the only allowed one.
fn tables(host: &str) -> String {
    format!(
        "[provider.pcloud]\n\
         authorize_url = \"http://{host}/oauth2/authorize\"\n\
         token_url = \"http://{{region}}/oauth2_token\"\n\
         [provider.pcloud.region]\n\
         parameter = \"hostname\"\n\
         values = {{ \"{host}\" = \"{host}\" }}\n"
    )
}

fn answer(books: &Books, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/oauth2/authorize") => {
            let code = books.authorize(call, Pkce::Never, false)?;
            let own_host = call.headers["host"].to_str().unwrap();
            let switch = books.lock().switch.clone();
            let hostname = switch.as_deref().unwrap_or(own_host);
            let place = [("locationid", "2"), ("hostname", hostname)];
            Ok(Reply::back(
                call,
                &[("code", code.as_str()), place[0], place[1]],
            ))
        }
        ("POST", "/oauth2_token") => token(books, call).map_err(in_its_own_words),
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call) -> Answer {
    books.authenticate(call, ClientSecret::Body)?;
    let (grant, _) = books.exchange(call)?;
    // It lasts, so it says nothing of when it expires.
    let body = json!({
        "result": 0,
        "userid": 1,
        "locationid": 2,
        "token_type": "bearer",
        "access_token": books.new_access_token(grant, 60),
    });
    Ok(Reply::json(200, &body))
}

/// An error is HTTP 200, a number and words.
fn in_its_own_words(reply: Reply) -> Reply {
    let (result, words) = match reply.error {
        "invalid_client" => (2000, "Log in failed."),
        "invalid_grant" => (2012, "Invalid 'code' provided."),
        _ => (1000, "Log in required."),
    };
    let body = json!({ "result": result, "error": words });
    Reply::json(200, &body)
}
