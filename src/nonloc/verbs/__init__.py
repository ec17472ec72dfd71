"""What a user asks for. Each verb makes a plan, lets the engine carry it out, and tells what was done."""
