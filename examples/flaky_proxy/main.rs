//! A proxy that misbehaves on purpose, between a client and an HTTP/1.1 server: S3, MLflow, or another.
//!
//! `tail -f /dev/null | flaky_proxy --to 127.0.0.1:9000 --seed 1 --drop 0.1 --truncate 0.1 --error 0.1 --delay 0.1`
//! prints its own address, `http://127.0.0.1:PORT`, passes every request on as it came (signatures over the header `Host`
//! stay right), and spoils some of them: seed and number of a request decide which, and how. Each line on standard input
//! is answered with how often what was done, as one line of JSON; so is the end of standard input, or a signal, which end
//! the program.

// Its address and its counts are its data.
#![allow(clippy::print_stdout)]

mod exchange;
mod fault;
mod message;

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};

use exchange::serve;
use fault::{Faults, Rates};

#[derive(Parser)]
struct Arguments {
    /// Server, as `HOST:PORT`.
    #[arg(long)]
    to: String,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seed of what is spoilt.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    rates: Rates,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments {
        to,
        port,
        seed,
        rates,
    } = Arguments::parse();
    rates.check()?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("http://{}", listener.local_addr()?);
    let faults = Arc::new(Faults::new(rates, seed));
    let counted = Arc::clone(&faults);
    std::thread::spawn(move || accept(&listener, &to, &counted));
    let signalled = Arc::clone(&faults);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            println!("{}", signalled.counts());
            std::process::exit(0);
        }
    });
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", faults.counts());
    }
    println!("{}", faults.counts());
    Ok(())
}

fn accept(listener: &TcpListener, to: &str, faults: &Arc<Faults>) {
    // A connection that broke while it was accepted is left to its client.
    for client in listener.incoming().flatten() {
        let (to, faults) = (to.to_owned(), Arc::clone(faults));
        // A broken connection is what this program is for.
        std::thread::spawn(move || _ = serve(&client, &to, &faults));
    }
}
