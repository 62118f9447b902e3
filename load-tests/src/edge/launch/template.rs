//! Files with `@NAME@` in them.

/// The text with every `@NAME@` replaced; an error is the name of one that is not known. What has other characters between two
/// `@`, such as an address for mail, is left as it is.
pub(super) fn fill(text: &str, names: &[(&str, String)]) -> Result<String, String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        filled.push_str(before);
        match after.split_once('@').filter(|(name, _)| is_name(name)) {
            // Comments explain what `@NAME@` means.
            Some(("NAME", behind)) => {
                filled.push_str("@NAME@");
                rest = behind;
            }
            Some((name, behind)) => {
                let (_, value) = names.iter().find(|(known, _)| *known == name).ok_or(name)?;
                filled.push_str(value);
                rest = behind;
            }
            None => {
                filled.push('@');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_a_wrong_one_is_told() {
        let names = [("HTTP", "1.2.3.4:5".to_owned()), ("PLACE", "/x".to_owned())];
        assert_eq!(
            fill("# @NAME@\nlisten @HTTP@;@PLACE@/a@b\n", &names),
            Ok("# @NAME@\nlisten 1.2.3.4:5;/x/a@b\n".to_owned())
        );
        assert_eq!(fill("a @HTTPS@", &names), Err("HTTPS".to_owned()));
    }
}
