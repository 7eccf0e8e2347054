"""From one number to the engine: seven programs, each of which adds one idea to the one before.

    python -m demos.steps.step1_chain     numbers; the chain rule by hand, and is it right?
    python -m demos.steps.step2_memory    a value that remembers how it was made
    python -m demos.steps.step3_order     newest first
    python -m demos.steps.step4_table     arrays; a table of rules that name what they read
    python -m demos.steps.step5_twice     the same rules on variables: the second derivative
    python -m demos.steps.step6_layers    layers, a loss, a step: digits are learned
    python -m demos.steps.step7_start     thirty layers, and where to start

Read each, run it, and change it. Then go on with `tinygrad_stab/engine/`, which adds care, but no idea.
"""
