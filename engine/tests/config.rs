//! Settings: the environment before `.env` files before further files, and whose URL may get whose key.

use std::path::{Path, PathBuf};

use corecoder::Config;
use corecoder::config::Layer;

fn layer(file: &Path, values: &[(&str, &str)]) -> Layer {
    let values = values
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    Layer {
        file: file.to_path_buf(),
        values: values.collect(),
    }
}

fn vars(values: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
    layer(Path::new(""), values).values.into_iter()
}

#[test]
fn the_environment_comes_before_a_dotenv_file_and_that_before_further_files_in_their_order() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("project");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(
        folder.join(".env"),
        "CORECODER_TEMPERATURE=1\nCORECODER_MAX_TOKENS=1\n",
    )
    .unwrap();
    let (first, second) = (PathBuf::from("/first"), PathBuf::from("/second"));
    let layers = [
        layer(
            &first,
            &[
                ("CORECODER_MAX_TOKENS", "2"),
                ("CORECODER_MAX_CONTEXT", "2"),
            ],
        ),
        layer(
            &second,
            &[("CORECODER_MAX_CONTEXT", "3"), ("CORECODER_MODEL", "m")],
        ),
    ];
    let set = [
        ("HOME", home.path().to_str().unwrap()),
        ("CORECODER_TEMPERATURE", "0"),
    ];
    let config = Config::from_vars(vars(&set), folder.clone(), &layers).unwrap();
    assert_eq!(config.temperature, Some(0.0));
    assert_eq!(config.max_tokens, Some(1));
    assert_eq!(config.max_context, Some(2));
    assert_eq!(config.model, "m");
    let origins = [
        ("CORECODER_TEMPERATURE", None),
        ("CORECODER_MAX_TOKENS", Some(&folder.join(".env"))),
        ("CORECODER_MAX_CONTEXT", Some(&first)),
        ("CORECODER_MODEL", Some(&second)),
    ];
    for (name, origin) in origins {
        assert_eq!(config.origins.get(name), origin, "{name}");
        assert_eq!(config.filled.contains_key(name), origin.is_some(), "{name}");
    }
    assert_eq!(config.filled["CORECODER_MAX_CONTEXT"], "2");
}

#[test]
fn a_project_s_settings_cannot_send_the_user_s_key_to_a_server_of_their_choice() {
    let home = tempfile::tempdir().unwrap();
    let (own, foreign) = (
        home.path().join(".corecoder/settings.json"),
        home.path().join("p/.corecoder/settings.json"),
    );
    let set = [
        ("HOME", home.path().to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-1"),
    ];
    let read = |file: &Path, values: &[(&str, &str)]| {
        Config::from_vars(vars(&set), home.path().join("p"), &[layer(file, values)])
    };
    let url = ("CORECODER_BASE_URL", "https://evil.example/v1");
    let error = read(&foreign, &[url]).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("evil.example")));
    for url in [
        "http://localhost:1/v1",
        "http://127.1.2.3:1/v1",
        "http://[::1]:1/v1",
    ] {
        assert!(
            read(&foreign, &[("CORECODER_BASE_URL", url)]).is_ok(),
            "{url}"
        );
    }
    for url in [
        "http://127.evil.example/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://localhost.evil.example",
    ] {
        assert!(
            read(&foreign, &[("CORECODER_BASE_URL", url)]).is_err(),
            "{url}"
        );
    }
    assert!(read(&foreign, &[url, ("CORECODER_API_KEY", "sk-2")]).is_ok());
    assert!(read(&own, &[url]).is_ok());
}
