//! Serves the sample repository over smart HTTP until it is ended: for the browser journey and for
//! trying things by hand. Prints the repository's address.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let repository = testkit::git::Repository::sample();
    let server = testkit::git::serve(repository.parent());
    writeln!(std::io::stdout(), "{}/sample.git", server.url)?;
    loop {
        std::thread::park();
    }
}
