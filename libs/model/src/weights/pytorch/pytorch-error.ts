import { UserError } from '@captrain/runtime';

/** What is said of a PyTorch file that contradicts itself or ends too early. */
export function damaged(place: string, why: string): UserError {
  return new UserError(`${place} is no valid PyTorch file: ${why}; fetch or write it again.`);
}

/** What is said of a file that asks for more than tensors and plain containers. */
export function refused(place: string, what: string): UserError {
  return new UserError(
    `${place} asks for ${what}, and only tensors and plain containers are read from a file, nothing is executed; ` +
      'save the state dict alone: torch.save(model.state_dict(), …).',
  );
}
