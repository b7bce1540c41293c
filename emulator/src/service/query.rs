//! The query of a URL.

/// A parameter of a query, with its escapes undone.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| unescape(value))
}

/// Undoes `%2C`; what is no escape stays as it is.
fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let escaped = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(b'%'));
        bytes.extend_from_slice(part.get(2..).filter(|_| escaped.is_some()).unwrap_or(part).as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_and_its_escapes_are_undone() {
        let query = "a=1&get=full%2Cnum&authToken=x&odd=5%";
        for (name, value) in [("get", "full,num"), ("authToken", "x"), ("odd", "5%")] {
            assert_eq!(parameter(query, name).as_deref(), Some(value));
        }
        assert_eq!(parameter(query, "et"), None);
    }
}
