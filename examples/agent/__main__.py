"""Answer questions, showing each step: ``python -m examples.agent [question ...]``."""

import sys

from .machine import agent, desk

QUESTIONS = (
    "What is the height of Everest minus the height of Teide?",
    "What is the population of Malta divided by the area of Malta?",
    "How much is (1 plus 2) times 3.5?",
    "What is the height of Olympus plus 1?",
    "Who are you?",
)


def main(questions: tuple[str, ...]) -> None:
    """Answer one question after the other; then a letter."""
    for question in questions:
        reply = agent.run(question=question)
        print(f"{question}\n  {reply.text}")
        if talk := agent.get_result("observe"):
            for call, result, failed in talk.notes:
                print(f"    {call.tool}({call.argument!r}) {'failed' if failed else 'gave'}: {result}")
        print(f"    {' > '.join(agent.state_history)}")
    print(desk.run({"letter": f"Ada: {questions[0]}"}))


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or QUESTIONS)
