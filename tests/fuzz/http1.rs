//! Reading what a server answers, by the letter of RFC 9112, and a connection to ask
//! on, byte by byte.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::PATIENCE;

/// A whole answer. Header names are in small letters.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value, or "".
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The first answer in `bytes` and its length; `None` if it is not whole, an error if
/// it is no HTTP.
pub fn first_answer(bytes: &[u8], is_head: bool) -> Result<Option<(Answer, usize)>, String> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = str::from_utf8(&bytes[..end]).map_err(|_| "a head that is no text")?;
    let mut lines = head.split("\r\n");
    let status = status(lines.next().unwrap_or_default())?;
    let headers = lines.map(header).collect::<Result<Vec<_>, _>>()?;
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let start = end + 4;
    let length = match body_length(&answer)? {
        _ if is_head || status < 200 => 0,
        length => length,
    };
    let Some(body) = bytes.get(start..start + length) else {
        return Ok(None);
    };
    answer.body = body.to_vec();
    Ok(Some((answer, start + length)))
}

fn status(line: &str) -> Result<u16, String> {
    let wrong = || format!("no status line: {line:?}");
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or(line.strip_prefix("HTTP/1.0 "));
    let (code, reason) = rest
        .and_then(|rest| rest.split_once(' '))
        .ok_or_else(wrong)?;
    let is_plain = reason.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match code.parse() {
        Ok(code @ 100..=599) if is_plain => Ok(code),
        _ => Err(wrong()),
    }
}

fn header(line: &str) -> Result<(String, String), String> {
    let wrong = || format!("no header: {line:?}");
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    match !name.is_empty() && name.bytes().all(is_name) && value.bytes().all(is_plain) {
        true => Ok((name.to_ascii_lowercase(), value.trim().to_owned())),
        false => Err(wrong()),
    }
}

/// Every answer of authseal is whole before it is sent, so none is chunked. What
/// hyper says by itself may end with the connection, and says nothing then.
fn body_length(answer: &Answer) -> Result<usize, String> {
    let lengths = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "content-length");
    let lengths: Vec<_> = lengths.map(|(_, length)| length.parse::<usize>()).collect();
    match (&lengths[..], answer.status) {
        ([Ok(length)], _) => Ok(*length),
        ([], 100..200) => Ok(0),
        ([], 400..) if answer.header("connection") == "close" => Ok(0),
        _ => Err(format!("no length: {answer:?}")),
    }
}

/// A connection that is opened when it is needed.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    /// To the server at this URL.
    pub fn to(url: &str) -> Self {
        let address = url.strip_prefix("http://").unwrap();
        Self {
            address: address.parse().unwrap(),
            stream: None,
            received: Vec::new(),
        }
    }

    /// Sends one request and reads its answer. A kept connection may have been closed
    /// meanwhile: then it is sent on a new one.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer, String> {
        let answer = self.ask_somehow(request).await;
        if answer.is_err() {
            // Whatever else comes is no answer to the next request.
            self.close();
        }
        answer
    }

    async fn ask_somehow(&mut self, request: &[u8]) -> Result<Answer, String> {
        let is_head = request.starts_with(b"HEAD ");
        if self.stream.is_some()
            && let Some(answer) = self.try_to_ask(request, is_head).await?
        {
            return Ok(answer);
        }
        self.close();
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.map_err(|error| format!("not reachable: {error}"))?;
        stream.set_nodelay(true).unwrap();
        self.stream = Some(stream);
        let answer = self.try_to_ask(request, is_head).await?;
        answer.ok_or_else(|| format!("closed without an answer; {:?} came", self.received))
    }

    /// The next request goes by a new one.
    pub fn close(&mut self) {
        self.stream = None;
        self.received.clear();
    }

    /// `None` if it was closed before the answer was whole.
    async fn try_to_ask(
        &mut self,
        request: &[u8],
        is_head: bool,
    ) -> Result<Option<Answer>, String> {
        if let Some(stream) = &mut self.stream {
            // Whoever answers early may not read all of it.
            let _ = timeout(PATIENCE, stream.write_all(request)).await;
        }
        loop {
            while let Some((answer, length)) = first_answer(&self.received, is_head)? {
                self.received.drain(..length);
                if answer.header("connection") == "close" {
                    self.close();
                }
                if answer.status >= 200 {
                    return Ok(Some(answer));
                }
            }
            let Some(stream) = &mut self.stream else {
                return Ok(None);
            };
            let read = timeout(PATIENCE, stream.read_buf(&mut self.received)).await;
            match read.map_err(|_| "no answer in a minute")? {
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
        }
    }
}
