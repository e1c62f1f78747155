//! Providers as a comparison shows them: the type and every setting, secrets by the names of their
//! variables, which is all that a policy knows of them.

use faramesh_program::image::{Provider, Setting, SettingValue, TextSource};

use crate::compare::Policy;

/// The name and the text of each provider of a policy.
pub(crate) fn of(policy: Option<&Policy>) -> Vec<(String, String)> {
    let providers = policy.map_or(&[][..], Policy::providers);
    providers.iter().map(|provider| (provider.name.clone(), written(provider))).collect()
}

fn written(provider: &Provider) -> String {
    text(&provider.kind, &provider.settings)
}

/// A kind with its settings.
pub(crate) fn text(kind: &str, settings: &[(String, Setting)]) -> String {
    let mut text = kind.to_owned();
    for (key, setting) in settings {
        let value = match setting {
            Setting::One(value) => one(value),
            Setting::List(values) => format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", ")),
        };
        text.push_str(&format!(", {key} = {value}"));
    }
    text
}

/// One value.
pub(crate) fn one(value: &SettingValue) -> String {
    match value {
        SettingValue::Text(TextSource::Literal(text)) => format!("{text:?}"),
        SettingValue::Text(TextSource::Environment { name, default: None }) => format!("env({name:?})"),
        SettingValue::Text(TextSource::Environment { name, default: Some(default) }) => {
            format!("env({name:?}, {default:?})")
        }
        SettingValue::Number(number) => number.clone(),
        SettingValue::Bool(value) => value.to_string(),
        SettingValue::Null => "null".to_owned(),
        SettingValue::Duration(ms) => format!("{ms}ms"),
        SettingValue::Size(bytes) => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_told_in_full() {
        let text = |source| Setting::One(SettingValue::Text(source));
        let provider = Provider {
            name: "siem".to_owned(),
            kind: "webhook-sink".to_owned(),
            settings: vec![
                ("batch_wait".to_owned(), Setting::One(SettingValue::Duration(2_000))),
                ("secret".to_owned(), text(TextSource::Environment { name: "S".to_owned(), default: None })),
                ("url".to_owned(), text(TextSource::Literal("https://a.example".to_owned()))),
            ],
        };
        let expected = r#"webhook-sink, batch_wait = 2000ms, secret = env("S"), url = "https://a.example""#;
        assert_eq!(written(&provider), expected);
    }
}
