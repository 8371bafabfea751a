"""What people see of the program outside its window: the tray and the notifications of the desktop."""
