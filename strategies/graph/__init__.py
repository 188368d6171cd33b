"""The strategy graph: parse, validate, compile and evaluate.

A pure package: it knows the engine's program and the indicator registry, and nothing of Django,
users, databases or clocks. The way of a strategy is::

    graph = graph_parse(document)        # schema.py: saving level
    plan = graph_compile(graph)          # compile.py: running level
    evaluation = plan_evaluate(plan, bars)
    simulate(bars, evaluation.columns, evaluation.program, config)
"""
