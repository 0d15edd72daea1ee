use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;

use crate::fault::{Fault, Faults};
use crate::message::{Body, Cut, Head};

/// Serves one connection until its client or a fault ends it. Each request gets a new connection to the server: an idle one that
/// the server closed would look like a fault that was not counted.
pub(crate) fn serve(client: &TcpStream, to: &str, faults: &Faults) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut from = BufReader::new(client);
    while let Some(head) = Head::read(&mut from)? {
        Exchange {
            head,
            from: &mut from,
            client,
            to,
        }
        .under(faults.next())?;
    }
    Ok(())
}

/// One request and its answer.
struct Exchange<'a, R> {
    head: Head,
    from: &'a mut R,
    client: &'a TcpStream,
    to: &'a str,
}

impl<R: BufRead> Exchange<'_, R> {
    /// An error ends the connection, and the one to the server with it.
    fn under(mut self, fault: Fault) -> io::Result<()> {
        match fault {
            Fault::Pass => self.pass(),
            Fault::Delay(wait) => {
                std::thread::sleep(wait);
                self.pass()
            }
            Fault::DropUnsent | Fault::Outage => Err(cut()),
            Fault::CutRequest(share) => {
                let server = TcpStream::connect(self.to)?;
                let left = part(
                    share,
                    self.head.bytes().len() as u64 + self.head.request_body().length(),
                );
                self.send(&mut Cut { to: &server, left })?;
                Err(cut())
            }
            Fault::LoseAnswer => {
                let server = self.sent()?;
                answer(&self.head, &server, &mut io::sink(), None)?;
                Err(cut())
            }
            Fault::CutAnswer(share) => {
                let server = self.sent()?;
                answer(&self.head, &server, &mut self.client, Some(share))
            }
            Fault::Error(status) => {
                self.send(&mut io::sink())?;
                refuse(status, &mut self.client)
            }
            Fault::LateError(status) => {
                let server = self.sent()?;
                answer(&self.head, &server, &mut io::sink(), None)?;
                refuse(status, &mut self.client)
            }
        }
    }

    fn pass(mut self) -> io::Result<()> {
        let server = self.sent()?;
        answer(&self.head, &server, &mut self.client, None)
    }

    /// Sends the whole request to the server.
    fn sent(&mut self) -> io::Result<TcpStream> {
        let server = TcpStream::connect(self.to)?;
        server.set_nodelay(true)?;
        self.send(&mut &server)?;
        Ok(server)
    }

    fn send(&mut self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(self.head.bytes())?;
        self.head.request_body().pass(self.from, to)
    }
}

/// Passes the server's answer on, or the share of it after which the connection is cut.
fn answer(
    request: &Head,
    server: &TcpStream,
    client: &mut impl Write,
    share: Option<f64>,
) -> io::Result<()> {
    let mut from = BufReader::new(server);
    let mut head = read(&mut from)?;
    while head.is_interim() {
        client.write_all(head.bytes())?;
        head = read(&mut from)?;
    }
    let body = if request.asks_for_head() {
        None
    } else {
        Some(head.answer_body())
    };
    let length = body.map_or(0, |body| body.length());
    let left = share.map_or(u64::MAX, |share| {
        part(share, head.bytes().len() as u64 + length)
    });
    let mut client = Cut { to: client, left };
    client.write_all(head.bytes())?;
    let passed = body.map_or(Ok(()), |body| body.pass(&mut from, &mut client));
    // An answer that ends with its connection is complete only then.
    let is_last = matches!(body, Some(Body::UntilClosed)) || share.is_some();
    if is_last {
        passed.and(Err(cut()))
    } else {
        passed
    }
}

fn read(from: &mut impl BufRead) -> io::Result<Head> {
    Head::read(from)?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

fn refuse(status: u16, client: &mut impl Write) -> io::Result<()> {
    let body = "a fault on purpose\n";
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status} Flaky\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Returns a part that is less than the whole.
fn part(share: f64, whole: u64) -> u64 {
    (share * whole as f64) as u64
}

fn cut() -> io::Error {
    ErrorKind::ConnectionAborted.into()
}
