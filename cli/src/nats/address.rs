//! The URL that names a server, a stream, a consumer and a subject: `nats://HOST:PORT/STREAM?consumer=NAME&subject=SUBJECT`.

use std::fmt;
use url::Url;

/// The consumer where the URL names none.
const CONSUMER: &str = "evenkeel";
/// The form, for messages.
const FORM: &str = "nats://[USER:PASSWORD@]HOST[:PORT]/STREAM[?consumer=NAME][&subject=SUBJECT]";

/// A stream of a server, and how it is read or written.
#[derive(Clone)]
pub(crate) struct Address {
    /// `nats://HOST:PORT` or `tls://HOST:PORT`, without what nobody may read.
    pub(super) server: String,
    pub(super) user: Option<(String, String)>,
    pub(super) token: Option<String>,
    pub(super) stream: String,
    consumer: Option<String>,
    pub(super) subject: Option<String>,
}

impl Address {
    /// Reads the URL of the command line.
    ///
    /// # Errors
    /// It has another form; the words say which it should have.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{why}; expected {FORM}");
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "nats" | "tls") {
            return Err(wrong("the scheme is neither nats nor tls"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("there is no host"))?;
        let stream = decoded(url.path().trim_start_matches('/'));
        if stream.is_empty() {
            return Err(wrong("there is no stream behind the host"));
        }
        if !is_name(&stream) {
            return Err(wrong(&format!("{stream:?} is no name of a stream")));
        }
        let (user, token) = match (url.username(), url.password()) {
            ("", None) => (None, None),
            ("", Some(_)) => return Err(wrong("there is a password and no user")),
            (token, None) => (None, Some(decoded(token))),
            (user, Some(password)) => (Some((decoded(user), decoded(password))), None),
        };
        if url.fragment().is_some() {
            return Err(wrong("a # ends it: write %23"));
        }
        let server = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(4222));
        let mut address = Self { server, user, token, stream, consumer: None, subject: None };
        for (key, value) in url.query_pairs() {
            let value = value.into_owned();
            let place = match &*key {
                "consumer" if is_name(&value) => &mut address.consumer,
                "consumer" => return Err(wrong(&format!("{value:?} is no name of a consumer"))),
                "subject" if !value.is_empty() && !value.contains(char::is_whitespace) => &mut address.subject,
                "subject" => return Err(wrong(&format!("{value:?} is no subject"))),
                key => return Err(wrong(&format!("nothing is called {key:?} in it"))),
            };
            if place.replace(value).is_some() {
                return Err(wrong(&format!("{key:?} is there twice")));
            }
        }
        Ok(address)
    }

    /// The subjects that are read, in words without blanks: all, unless the URL has a filter.
    pub(crate) fn filter(&self) -> &str {
        self.subject.as_deref().unwrap_or(">")
    }

    /// The durable consumer.
    pub(crate) fn consumer(&self) -> &str {
        self.consumer.as_deref().unwrap_or(CONSUMER)
    }

    /// Whether the URL names a consumer.
    pub(crate) fn has_consumer(&self) -> bool {
        self.consumer.is_some()
    }
}

/// The server and the stream, without passwords.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server, self.stream)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a subject stands for several.
pub(super) fn has_wildcard(subject: &str) -> bool {
    subject.split('.').any(|token| matches!(token, "*" | ">"))
}

/// Whether a stream or a consumer can be called so.
fn is_name(text: &str) -> bool {
    let is_wrong = |letter: char| letter.is_whitespace() || letter.is_control() || ".*>/\\".contains(letter);
    !text.is_empty() && !text.contains(is_wrong)
}

/// The text behind `%` escapes.
fn decoded(text: &str) -> String {
    // The client of the URL's own crate for pairs is the one decoder at hand; a plus sign is not a blank here.
    let pair = format!("a={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_parts_and_shows_no_password() {
        let address = Address::parse("nats://me:p%40s+s@host/METRICS?subject=cpu.>&consumer=night").unwrap();
        assert_eq!(address.to_string(), "nats://host:4222/METRICS");
        assert_eq!(format!("{address:?}"), "nats://host:4222/METRICS");
        assert_eq!(address.user, Some(("me".to_owned(), "p@s+s".to_owned())));
        assert_eq!((address.consumer(), address.subject.as_deref()), ("night", Some("cpu.>")));
        assert!(address.has_consumer());
        let address = Address::parse("tls://secret@[::1]:5222/M").unwrap();
        assert_eq!((&*address.server, address.token.as_deref()), ("tls://[::1]:5222", Some("secret")));
        assert_eq!((address.consumer(), address.has_consumer()), ("evenkeel", false));
        assert!(has_wildcard("cpu.*.a") && has_wildcard("cpu.>") && !has_wildcard("cpu.a*"));
    }

    #[test]
    fn other_forms_are_refused_by_what_is_wrong() {
        for (text, why) in [
            ("host/M", "relative URL"),
            ("http://host/M", "neither nats nor tls"),
            ("nats://host", "no stream"),
            ("nats://host/", "no stream"),
            ("nats:///M", "no host"),
            ("nats://host/a.b", "no name of a stream"),
            ("nats://host/M/c", "no name of a stream"),
            ("nats://host/M?consumer=a.b", "no name of a consumer"),
            ("nats://host/M?subject=", "no subject"),
            ("nats://host/M?durable=a", "nothing is called"),
            ("nats://host/M?subject=a&subject=b", "twice"),
            ("nats://host/M?subject=a#b", "write %23"),
            ("nats://:secret@host/M", "no user"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains(why) && error.contains("expected nats://"), "{text}: {error}");
        }
    }
}
