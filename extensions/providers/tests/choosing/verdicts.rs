//! How providers say that a model is not to be had, and what only sounds like it.

use corecoder::wire::refusal;
use corecoder_providers::fallback::is_about_the_model;

#[test]
fn providers_words_for_an_unknown_model_are_known() {
    for (status, body) in [
        (
            404,
            r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        ),
        (
            403,
            r#"{"error":{"message":"Project `proj_x` does not have access to model `gpt-6`","type":"invalid_request_error","code":"model_not_found"}}"#,
        ),
        (
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#,
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.","status":"NOT_FOUND"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"x/y is not a valid model ID","code":400}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"No endpoints found for x/y.","code":404}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"The model `llama-3.2-11b-vision-preview` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"Invalid model: mistral-nope","type":"invalid_model","param":null,"code":"1500"}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
        ),
        (
            404,
            r#"{"code":"Some requested entity was not found","error":"The model grok-9 does not exist or your team does not have access to it."}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Unable to access non-serverless model x/y.","type":"invalid_request_error"}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"Model not found, inaccessible, and/or not deployed","code":"NOT_FOUND"}}"#,
        ),
        (404, r#"{"error":"model 'qwen9' not found"}"#),
        (
            404,
            r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","code":404}"#,
        ),
        (
            400,
            r#"{"error":{"message":"400: {'error': 'Invalid model name passed in model=Lite-GPT-12'}","code":400}}"#,
        ),
        (
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"Not found the model kimi-9 or Permission denied","type":"resource_not_found_error"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":"1211","message":"Unknown Model, please check the model code."}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"The provided model identifier is invalid."}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"The requested model 'x' is not supported by any provider you have enabled.","code":"model_not_supported"}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"No models loaded. Please load a model in the developer page","code":"model_not_found"}}"#,
        ),
        (410, "gone"),
        (404, "404 page not found"),
    ] {
        let error = refusal::in_response(status, None, body);
        assert!(is_about_the_model(&error.message), "{}", error.message);
    }
}

#[test]
fn a_refused_request_is_not_taken_for_an_unknown_model() {
    for (status, body) in [
        (
            400,
            r#"{"error":{"message":"Invalid 'messages[1].role': 'tool' must follow 'tool_calls'","type":"invalid_request_error"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"messages: roles must alternate between \"user\" and \"assistant\""}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model."}}"#,
        ),
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-x. You can find your API key at https://platform.openai.com.","code":"invalid_api_key"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens."}}"#,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"tools.0.custom.name: String should match pattern"}}"#,
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","messages"],"msg":"field required"}]}"#,
        ),
        (400, ""),
    ] {
        let error = refusal::in_response(status, None, body);
        assert!(!is_about_the_model(&error.message), "{}", error.message);
    }
}
