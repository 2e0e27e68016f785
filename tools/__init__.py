"""What makes and checks the project and is in no wheel."""
