"""What is known of a policy without loading it."""

from flows import policies
from rubric_factory.settings.training import MadePolicy, PretrainedPolicy


def test_the_parameters_of_a_pretrained_policy_come_from_its_weight_files(tmp_path):
    import numpy
    from safetensors.numpy import save_file

    save_file({"a": numpy.zeros((3, 5)), "b": numpy.zeros(7)}, tmp_path / "model.safetensors")
    assert policies.parameter_count(PretrainedPolicy(model=str(tmp_path), revision="x")) == (22, "from the weight files")
    count, why = policies.parameter_count(PretrainedPolicy(model="nobody/nothing", revision="x"))
    assert count is None and "nobody/nothing" in why


def test_prompts_over_the_limit_are_counted_by_the_tokenizer_or_called_unknown(tmp_path):
    prompts = [[{"role": "user", "content": "x" * 10}], [{"role": "user", "content": "y" * 400}]]
    assert policies.prompts_over(MadePolicy(), tmp_path, prompts, 1000)[0] == 0
    assert policies.prompts_over(MadePolicy(), tmp_path, prompts, 100)[0] is None
    from training.tokenizer import train_tokenizer

    train_tokenizer(["word " * 50], 512).save_pretrained(tmp_path / "made")
    assert policies.prompts_over(MadePolicy(), tmp_path, prompts, 100)[0] == 1
